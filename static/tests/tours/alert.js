import { registry } from "@web/core/registry";

import { click, fill, menu, row, see } from "./steps";

const pickBackend = (name) => [
    fill(".o_selected_row [name=backend_id] input", name),
    click(`.o-autocomplete--dropdown-item:contains('${name}')`),
];

registry.category("web_tour.tours").add("pharmacy_sync_alert", {
    steps: () => [
        {
            content: "the overview says what is wrong, and since when",
            trigger: ".o_sync_alert:contains(No connection):contains(since)",
            run: "click",
        },
        {
            content: "it says what to do",
            trigger: ".o_form_view .alert-info:contains(pharmacy app runs)",
        },
        {
            content: "somebody looks after it",
            trigger: ".o_form_view button[name=action_acknowledge]",
            run: "click",
        },
        { trigger: ".o_arrow_button_current:contains(Acknowledged)" },
        {
            content: "see what it is about",
            trigger: ".oe_stat_button[name=action_open]",
            run: "click",
        },
        { trigger: ".o_form_view .o_arrow_button_current:contains(Open), .o_form_view:contains(maintenance)" },
        {
            content: "and back to the overview, which says who",
            trigger: ".o_breadcrumb .breadcrumb-item a:contains(Overview), .dropdown-item:contains(Overview)",
            run: "click",
        },
        { trigger: ".o_sync_alert:contains(acknowledged by)" },
        ...menu("Alerts", "menu_sync_alert", "menu_todo"),
        {
            content: "somebody looks after it, it is open still",
            trigger: ".o_data_row:contains(No connection) .badge:contains(Acknowledged)",
        },
        {
            content: "answered from the list",
            trigger: ".o_data_row:contains(No connection) .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_control_panel button[name=action_resolve]",
            run: "click",
        },
        {
            content: "it is gone from those that are open",
            trigger: "body:not(:has(.o_data_row:contains(No connection))) .o_list_view",
        },
        {
            content: "the overview has nothing to show",
            trigger: ".o_menu_sections [data-menu-xmlid='pharmacy_sync.menu_sync_overview']",
            run: "click",
        },
        { trigger: ".o_sync_alerts:contains(No open alerts)" },
        {
            content: "the log remembers",
            trigger: ".o_sync_alert_log",
            run: "click",
        },
        { trigger: ".o_data_row:contains(No connection) .badge:contains(Resolved)" },
    ],
});

registry.category("web_tour.tours").add("pharmacy_sync_alert_rule", {
    steps: () => [
        {
            content: "a rule and its numbers",
            trigger: ".o_data_row .o_data_cell:contains(More than 10 errors)",
            run: "click",
        },
        { trigger: ".o_form_view .o_field_widget[name=threshold] input", run: "edit 20" },
        { trigger: ".o_form_button_save", run: "click" },
        { trigger: ".o_form_saved" },
        {
            content: "nobody is notified for an hour",
            trigger: ".o_form_view button[name=action_silence]",
            run: "click",
        },
        { trigger: ".o_form_view .alert-warning:contains(Muted until)" },
        {
            content: "the silence can be ended",
            trigger: ".o_form_view button[name=action_end_silence]",
            run: "click",
        },
        { trigger: ".o_form_view button[name=action_silence]" },
    ],
});

registry.category("web_tour.tours").add("pharmacy_sync_silence", {
    steps: () => [
        ...menu("Muted Alerts", "menu_sync_alert_silence", "menu_monitoring"),
        click(".o_list_button_add"),
        fill(".o_selected_row [name=reason] input", "New shelves"),
        ...pickBackend("Test Pharmacy"),
        click(".o_list_button_save"),
        click(`${row("New shelves")} button[name=action_end]`),
        see(".o_data_row.text-muted:contains('New shelves')", "It is over"),
        ...menu("Planned Maintenance", "menu_sync_maintenance", "menu_monitoring"),
        click(".o_list_button_add"),
        ...pickBackend("Test Pharmacy"),
        fill(".o_selected_row [name=reason] input", "New server"),
        click(".o_list_button_save"),
        see(`${row("New server")} .badge:contains('Planned')`),
        click(`${row("New server")} button[name=action_end]`),
        see(`${row("New server")} .badge:contains('Over')`),
    ],
});
