/* global luxon */
import { registry } from "@web/core/registry";

// From the menu to the report on the screen: what failed is reported, on a page that prints.
registry.category("web_tour.tours").add("pharmacy_sync_report", {
    steps: () => [
        {
            content: "the dates are asked for only where a person chooses them",
            trigger: ".modal .o_field_widget[name=range] input[data-value=custom]",
            run: "click",
        },
        { trigger: ".modal .o_field_widget[name=start]" },
        {
            trigger: ".modal .o_field_widget[name=range] input[data-value='24h']",
            run: "click",
        },
        { trigger: ".modal:not(:has(.o_field_widget[name=start]))" },
        {
            trigger: ".modal button[name=action_show]",
            run: "click",
        },
        {
            content: "the report is on the screen, with what failed",
            trigger: ":iframe .o_sync_report td:contains(Authentication failed)",
        },
        { trigger: ":iframe .o_sync_report .o_figures td:contains(Errors)" },
        {
            content: "drawn: the bar of this hour is there",
            trigger: ":iframe .o_sync_report .o_bars .o_bar.o_high",
        },
        { trigger: "button.o_report_print, .o_control_panel button:contains(Print)" },
    ],
});

// A manager has it sent every week.
registry.category("web_tour.tours").add("pharmacy_sync_report_schedule", {
    steps: () => [
        { trigger: ".o_list_button_add", run: "click" },
        {
            trigger: ".o_field_widget[name=name] input",
            run: "edit Weekly for the buyers",
        },
        {
            trigger: ".o_field_widget[name=frequency] input[data-value=monthly]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=partner_ids] input",
            run: "edit Tour Recipient",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Tour Recipient)",
            run: "click",
        },
        { trigger: ".o_field_widget[name=partner_ids] .o_tag:contains(Tour Recipient)" },
        { trigger: "button[name=action_send_now]", run: "click" },
        { trigger: ".o_notification:contains(queue of outgoing mails)" },
        { trigger: ".o_field_widget[name=sent_at]" },
    ],
});

const daysAgo = (days) => luxon.DateTime.now().minus({ days }).toISODate();
const choose = (days) =>
    function () {
        this.anchor.value = daysAgo(days);
        this.anchor.dispatchEvent(new Event("change", { bubbles: true }));
    };

// The overview looks back an hour, and at days that are chosen.
registry.category("web_tour.tours").add("pharmacy_sync_overview_range", {
    steps: () => [
        { trigger: ".o_sync_range[data-range='1h']", run: "click" },
        { trigger: ".o_sync_figure[data-name=errors]:contains(last hour):contains(1)" },
        { trigger: ".o_sync_range[data-range=custom]", run: "click" },
        {
            trigger: ".o_sync_figure[data-name=errors] .o_sync_value:contains(1)",
        },
        {
            content: "before anything happened",
            trigger: ".o_sync_from",
            run: choose(40),
        },
        {
            trigger: ".o_sync_until",
            run: choose(35),
        },
        { trigger: ".o_sync_figure[data-name=errors] .o_sync_value:contains(0)" },
    ],
});
