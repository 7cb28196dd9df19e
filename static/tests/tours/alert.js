import { registry } from "@web/core/registry";

import { menu } from "./steps";

registry.category("web_tour.tours").add("pharmacy_sync_alert", {
    steps: () => [
        {
            content: "the overview tells what is wrong, and since when",
            trigger: ".o_sync_alert:contains(Breaker opened):contains(since)",
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
            content: "by state",
            trigger: ".o_group_header:contains(Acknowledged)",
        },
        {
            content: "answered from the list",
            trigger: ".o_data_row:contains(Breaker opened) .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_control_panel button[name=action_resolve]",
            run: "click",
        },
        {
            content: "it is gone from those that are open",
            trigger: "body:not(:has(.o_data_row:contains(Breaker opened))) .o_list_view",
        },
        {
            content: "the overview has nothing to tell",
            trigger: ".o_menu_sections [data-menu-xmlid='pharmacy_sync.menu_sync_overview']",
            run: "click",
        },
        { trigger: ".o_sync_alerts:contains(Nothing that a person should know)" },
        {
            content: "the log remembers",
            trigger: ".o_sync_alert_log",
            run: "click",
        },
        { trigger: ".o_data_row:contains(Breaker opened) .badge:contains(Resolved)" },
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
            content: "nobody is to be told for an hour",
            trigger: ".o_form_view button[name=action_silence]",
            run: "click",
        },
        { trigger: ".o_form_view .alert-warning:contains(Silent until)" },
        {
            content: "the silence can be ended",
            trigger: ".o_form_view button[name=action_end_silence]",
            run: "click",
        },
        { trigger: ".o_form_view button[name=action_silence]" },
    ],
});
