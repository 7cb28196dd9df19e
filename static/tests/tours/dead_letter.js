import {registry} from "@web/core/registry";

const back = {
    content: "Back to the list",
    trigger: ".breadcrumb-item:contains('Failed Changes') a, .o_back_button",
    run: "click",
};

registry.category("web_tour.tours").add("pharmacy_sync_dead_letter_single", {
    steps: () => [
        {
            content: "They are grouped by what they died of, in words, and shown",
            trigger: ".o_group_header.o_group_open:contains('Authentication failed'):contains('(3)')",
        },
        {
            content: "Another cause",
            trigger: ".o_group_header.o_group_open:contains('Barrels of Nowhere')",
        },
        {
            content: "And another",
            trigger: ".o_group_header.o_group_open:contains('must not be negative')",
        },
        {
            content: "Open the order that the pharmacy refuses",
            trigger: ".o_data_row .o_data_cell:contains('BAD-QUANTITY')",
            run: "click",
        },
        {
            content: "It says what was refused, of what, and what to do",
            trigger:
                ".o_form_view .alert-danger:contains('Amoxicillin 50 mg is -1.00'):contains('Veterinaria Alba'):contains('What to do')",
        },
        {
            content: "What helps is the main button, and a retry is not",
            trigger:
                ".o_form_statusbar:not(:has(button.btn-primary:contains('Retry'))) button.btn-primary:contains('Edit...')",
        },
        {
            content: "The record is one click away",
            trigger: ".o_form_statusbar button[name=action_open_record]",
            run: "click",
        },
        {
            content: "And has the refused value marked",
            trigger: "td.o_sync_refused[name=product_qty][title*='-1.00']:contains('-1.00')",
        },
        {
            content: "Back to the change",
            trigger: ".o_back_button",
            run: "click",
        },
        {
            content: "See what the pharmacy has",
            trigger: ".o_form_view button[name=action_compare]",
            run: "click",
        },
        {
            content: "What would be sent stands beside it",
            trigger:
                ".o_field_widget[name=comparison_html] tr:contains('-1.00'):contains('2.00'):contains('sent to the pharmacy')",
        },
        {
            content: "Correct it",
            trigger: ".o_form_view .o_form_statusbar button:contains('Edit...')",
            run: "click",
        },
        {
            content: "What is refused comes first, and is marked",
            trigger:
                ".modal .o_data_row:first:contains('Refused'):contains('Line 1'):contains('-1.00')",
        },
        {
            content: "The supplier is chosen by its name",
            trigger: ".modal .o_data_row:contains('Supplier') td[name=value]",
            run: "click",
        },
        {
            content: "It is looked for",
            trigger: ".modal .o_selected_row td[name=value] .o-autocomplete--input",
            run: "edit Veterinaria",
        },
        {
            content: "And found",
            trigger: ".o-autocomplete--dropdown-item:contains('Veterinaria Alba')",
            run: "click",
        },
        {
            content: "The state is one of those there are",
            trigger: ".modal .o_data_row:contains('State') td[name=value]",
            run: "click",
        },
        {
            content: "By what people call them",
            trigger: ".modal .o_selected_row td[name=value] .o_select_menu_toggler:value('RFQ')",
        },
        {
            content: "A time is picked",
            trigger: ".modal .o_data_row:contains('Order date') td[name=value]",
            run: "click",
        },
        {
            content: "As people write it",
            trigger: ".modal .o_selected_row td[name=value] .o_input:not(:value('Z'))",
        },
        {
            content: "Into the field of the quantity",
            trigger: ".modal .o_data_row:contains('Line 1'):contains('-1.00') td[name=value]",
            run: "click",
        },
        {
            content: "Write nonsense first",
            trigger: ".modal .o_selected_row td[name=value] input",
            run: "edit many",
        },
        {
            content: "Check it",
            trigger: ".modal footer button[name=action_edit]",
            run: "click",
        },
        {
            content: "The error names the field",
            trigger: ".modal .modal-body:contains('Quantity cannot be this')",
        },
        {
            content: "Understood",
            trigger: ".modal:not(.o_inactive_modal) footer button.btn-primary",
            run: "click",
        },
        {
            content: "Into the field again",
            trigger: ".modal .o_data_row:contains('Line 1'):contains('-1.00') td[name=value]",
            run: "click",
        },
        {
            content: "Write the right quantity",
            trigger: ".modal .o_selected_row td[name=value] input",
            run: "edit 4",
        },
        {
            content: "Check it again",
            trigger: ".modal footer button[name=action_edit]",
            run: "click",
        },
        {
            content: "The dry run shows the corrected value",
            trigger: ".modal .o_field_widget[name=comparison_html] td:contains('4.00')",
        },
        {
            content: "Redrive",
            trigger: ".modal footer button[name=action_start]",
            run: "click",
        },
        {
            content: "It is in the queue",
            trigger: "body:not(:has(.modal)) .o_arrow_button_current:contains('Pending')",
        },
        back,
        {
            content: "Select the product that Odoo cannot take",
            trigger: ".o_data_row:contains('Odd Product') .o_list_record_selector input",
            run: "click",
        },
        {
            content: "Give it up",
            trigger: ".o_control_panel button[name=action_ask_discard]",
            run: "click",
        },
        {
            content: "Why",
            trigger: ".modal .o_field_widget[name=reason] input",
            run: "edit The pharmacy sells it no more",
        },
        {
            content: "Discard",
            trigger: ".modal footer button[name=action_discard]",
            run: "click",
        },
        {
            content: "It is gone from the list",
            trigger:
                "body:not(:has(.modal)):not(:has(.o_data_row:contains('Odd Product'))) .o_list_view",
        },
        {
            content: "Redrive all of the other error",
            trigger:
                ".o_group_header:contains('Authentication failed') button[name=action_plan_redrive]",
            run: "click",
        },
        {
            content: "Its dry run begins",
            trigger: ".o_form_view .o_arrow_button_current:contains('Dry Run')",
        },
    ],
});

registry.category("web_tour.tours").add("pharmacy_sync_dead_letter_redrive", {
    steps: () => [
        {
            content: "The dry run says what would happen",
            trigger:
                ".o_field_widget[name=forecast_html] li:contains('3'):contains('Changes the record')",
        },
        {
            content: "Redrive",
            trigger: ".o_form_statusbar button[name=action_start]",
            run: "click",
        },
        {
            content: "One goes first",
            trigger: ".o_arrow_button_current:contains('First')",
        },
        {
            content: "It can be stopped",
            trigger: ".o_form_statusbar button[name=action_stop]",
            run: "click",
        },
        {
            content: "It says who stopped it",
            trigger: ".o_form_view .alert:contains('Stopped by')",
        },
        {
            content: "And goes on",
            trigger: ".o_form_statusbar button[name=action_start]:contains('Continue')",
            run: "click",
        },
        {
            content: "The page refreshes itself until all is done",
            trigger: ".o_form_view .badge:contains('Running')",
        },
    ],
});

registry.category("web_tour.tours").add("pharmacy_sync_dead_letter_cleared", {
    steps: () => [
        {
            content: "Nothing is left",
            trigger: ".o_view_nocontent_smiling_face:contains('No failed changes')",
        },
        {
            content: "What was discarded can be found",
            trigger: ".o_facet_remove",
            run: "click",
        },
        {
            content: "With its reason in the list of what is kept",
            trigger: ".o_list_view",
        },
    ],
});

// The work goes on beside this: the page shows by itself how far it is.
registry.category("web_tour.tours").add("pharmacy_sync_dead_letter_watched", {
    steps: () => [
        {
            content: "All of one error",
            trigger: ".o_group_header.o_group_open:contains('Authentication failed'):contains('(3)')",
        },
        {
            content: "Are to be redriven",
            trigger: ".o_group_header button[name=action_plan_redrive]",
            run: "click",
        },
        {
            content: "When the dry run has ended the page says so",
            trigger: ".o_arrow_button_current:contains('Ready')",
            timeout: 30000,
        },
        {
            content: "What would happen, and to which",
            trigger:
                ".o_form_view:has([name=forecast_html] li:contains('3'):contains('Changes the record')) [name=line_ids] .o_data_row:count(3)",
        },
        {
            content: "Redrive",
            trigger: ".o_form_statusbar button[name=action_start]:contains('Retry')",
            run: "click",
        },
        {
            content: "One goes first",
            trigger: ".o_arrow_button_current:contains('First')",
        },
        {
            content: "It went well, and the next go",
            trigger: ".o_arrow_button_current:contains('Next 10')",
            timeout: 30000,
        },
        {
            content: "One of them died of something else: it is set aside",
            trigger: ".o_field_widget[name=aside_count]:contains('1')",
            timeout: 30000,
        },
        {
            content: "How many went well",
            trigger: ".o_field_widget[name=done_count]:contains('2')",
        },
        {
            content: "And which did not",
            trigger: ".o_form_statusbar button[name=action_view_failed]",
            run: "click",
        },
        {
            content: "The one, with what the pharmacy says",
            trigger: ".o_list_view .o_data_row:count(1):contains('must not be negative')",
        },
    ],
});
