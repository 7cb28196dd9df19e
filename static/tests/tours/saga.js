import {registry} from "@web/core/registry";

// From the board to a saga that needs attention: what is left is seen, and settled.
registry.category("web_tour.tours").add("pharmacy_sync_saga", {
    steps: () => [
        {
            content: "from the list to the board",
            trigger: ".o_control_panel button.o_switch_view.o_kanban",
            run: "click",
        },
        {
            content: "the board has a column for it",
            trigger:
                ".o_kanban_group:contains('Needs attention') .o_kanban_record",
            run: "click",
        },
        {
            content: "what could not be taken back is seen",
            trigger: ".o_saga_picture [data-compensation=failed]:contains('Release')",
        },
        {
            content: "and what was",
            trigger: ".o_saga_picture [data-compensation=done]:contains('Cancel in Odoo')",
        },
        {
            content: "an operator settles it",
            trigger: "button[name=action_settle]",
            run: "click",
        },
        {
            content: "with a reason",
            trigger: ".modal .o_field_widget[name=reason] input",
            run: "edit Released by telephone",
        },
        {
            content: "and is through",
            trigger: ".modal button[name=action_settle]",
            run: "click",
        },
        {
            content: "the reason is kept",
            trigger:
                ".o_field_widget[name=settled_reason]:contains('Released by telephone')",
        },
    ],
});
