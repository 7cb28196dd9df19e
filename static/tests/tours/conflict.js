import { registry } from "@web/core/registry";

const apply = {
    content: "apply",
    trigger: ".o_conflict_apply:enabled",
    run: "click",
};

const shown = (name) => ({
    content: `${name} is shown`,
    trigger: `.o_breadcrumb .active:contains(${name})`,
});

registry.category("web_tour.tours").add("pharmacy_sync_conflict", {
    steps: () => [
        {
            content: "open a conflict",
            trigger: ".o_data_row td[name=display_name]:contains(TOUR-FIELD)",
            run: "click",
        },
        {
            content: "the changed characters are marked",
            trigger: ".o_conflict_row[data-path$=quantity] .o_conflict_change:contains('+6')",
        },
        {
            content: "nothing is chosen yet",
            trigger: ".o_conflict_apply:disabled",
        },
        {
            content: "take the pharmacy's quantity",
            trigger: ".o_conflict_row[data-path$=quantity] input[value=pharmacy]",
            run: "click",
        },
        {
            content: "keep Odoo's price",
            trigger: ".o_conflict_row[data-path$=unit_price] input[value=odoo]",
            run: "click",
        },
        {
            content: "see what will be sent",
            trigger: ".o_conflict_preview:contains(Will be sent):contains(13.00):contains(12.00)",
        },
        apply,
        // It goes to the next by itself.
        shown("TOUR-OWN"),
        {
            content: "type a value",
            trigger: ".o_conflict_row[data-path=notes] .o_conflict_result .o_input",
            run: "edit at half past nine",
        },
        {
            content: "both sides will get it",
            trigger: ".o_conflict_preview > div:last-child:contains(at half past nine)",
        },
        apply,
        shown("TOUR-SIDE"),
        {
            content: "keep Odoo's side",
            trigger: ".o_conflict_all_odoo",
            run: "click",
        },
        apply,
        shown("TOUR-M2"),
        {
            content: "back to the list",
            trigger: ".o_back_button a, .breadcrumb-item a",
            run: "click",
        },
        {
            content: "the resolved ones are gone",
            trigger: ".o_list_view:not(:contains(TOUR-SIDE)) .o_data_row:contains(TOUR-M0)",
        },
        {
            content: "select all",
            trigger: "thead .o_list_record_selector input",
            run: "click",
        },
        {
            content: "decide them at once",
            trigger: "button:contains(Take the Pharmacy)",
            run: "click",
        },
        {
            content: "see what will change",
            trigger: ".modal td:contains(TOUR-M0)",
        },
        {
            content: "apply",
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            content: "nothing is left",
            trigger: ".o_view_nocontent:contains(No conflicts)",
        },
    ],
});

const press = (keys, trigger, content) => ({ content, trigger, run: `press ${keys}` });
const focused = (field, side) =>
    `.o_conflict_row[data-path$=${field}] input[value=${side}]:focus`;
const chosen = (field, side) => ({
    content: `${side} for the ${field}`,
    trigger: `.o_conflict_row[data-path$=${field}] .o_conflict_chosen input[value=${side}]`,
});

// No hand leaves the keyboard.
registry.category("web_tour.tours").add("pharmacy_sync_conflict_keyboard", {
    steps: () => [
        {
            content: "open a conflict",
            trigger: ".o_data_row td[name=display_name]:contains(TOUR-KEYS)",
            run: "click",
        },
        press("ArrowRight", focused("quantity", "odoo"), "the first field has the focus"),
        chosen("quantity", "pharmacy"),
        press("ArrowDown", focused("quantity", "pharmacy"), "to the next field"),
        press("ArrowLeft", focused("unit_price", "pharmacy"), "the other side"),
        chosen("unit_price", "odoo"),
        {
            content: "what will be sent and written",
            trigger: ".o_conflict_preview:contains(8.00):contains(12.00)",
        },
        press("ArrowUp", focused("unit_price", "odoo"), "back to the first"),
        press("Control+Enter", focused("quantity", "odoo"), "apply"),
        shown("TOUR-NEXT"),
        press("ArrowRight", focused("quantity", "odoo"), "at work again at once"),
        chosen("quantity", "pharmacy"),
        press("Control+Enter", focused("quantity", "pharmacy"), "apply one of two"),
        {
            content: "the other is still open",
            trigger: ".alert:contains(The other fields are still open)",
        },
        {
            content: "what was decided cannot be chosen again",
            trigger: ".o_conflict_row[data-path$=quantity]:not(:has(input[type=radio]))",
        },
        {
            content: "the value that lost stays readable, and is said to be it",
            trigger:
                ".o_conflict_row[data-path$=quantity] td[data-title=Odoo]:contains(not taken)",
        },
    ],
});

// Odoo's side is shown on the right there.
registry.category("web_tour.tours").add("pharmacy_sync_conflict_right_to_left", {
    steps: () => [
        {
            content: "open a conflict",
            trigger: ".o_rtl .o_data_row td[name=display_name]:contains(TOUR-KEYS)",
            run: "click",
        },
        press("ArrowLeft", focused("quantity", "odoo"), "the side on the left"),
        chosen("quantity", "pharmacy"),
        press("ArrowRight", focused("quantity", "pharmacy"), "the side on the right"),
        chosen("quantity", "odoo"),
    ],
});
