import { registry } from "@web/core/registry";

// The work goes on beside this, about a step a second: no step here reloads the page.
registry.category("web_tour.tours").add("pharmacy_sync_initial", {
    steps: () => [
        { trigger: ".o_list_button_add", run: "click" },
        { trigger: ".o_field_widget[name=stream_ids] .o_tag" },
        { trigger: "button[name=action_preview]", run: "click" },
        { content: "progress is shown", trigger: ".o_progressbar" },
        { content: "and it can be stopped", trigger: "button[name=action_stop]:visible" },
        {
            content: "the page shows by itself that the preview is ready",
            trigger: "button[name=action_start]:contains(Start):visible",
            timeout: 30000,
        },
        {
            content: "what would be linked is one click away",
            trigger: ".o_stat_text:contains(To Link), .o_dropdown_more",
            run: "click",
        },
        { trigger: ".o_list_view .o_data_cell[name=pharmacy_name]:contains(V. Alba)" },
        { content: "one is left out", trigger: ".o_data_row:first .o_list_record_selector input", run: "click" },
        { trigger: ".o_control_panel button[name=action_leave]", run: "click" },
        { trigger: ".o_view_nocontent, .o_list_view:not(:has(.o_data_row))" },
        { trigger: ".o_facet_remove", run: "click" },
        { trigger: ".o_data_row:contains(V. Alba) .o_data_cell[name=action]:contains(Leave)" },
        { trigger: ".o_breadcrumb a:contains(Synchronisation of)", run: "click" },
        { trigger: "button[name=action_start]:contains(Start):visible", run: "click" },
        { trigger: ".modal button:contains(Start)", run: "click" },
        { trigger: "button[name=action_stop]:visible", run: "click" },
        { content: "it says who stopped it", trigger: ".alert:contains(Stopped by):visible" },
        { trigger: "button[name=action_start]:contains(Resume):visible", run: "click" },
        {
            content: "it ends, and the page says so by itself",
            trigger: ".o_arrow_button_current:contains(Finished)",
            timeout: 30000,
        },
        { trigger: ".o_sync_progress .o_progressbar:contains(100)" },
    ],
});
