import { registry } from "@web/core/registry";

import {
    click,
    filter,
    menu,
    noRow,
    page,
    press,
    row,
    searchAll,
    see,
    selectRow,
    stage,
} from "./steps";

// The work goes on beside this: the page of the comparison shows it by itself.
registry.category("web_tour.tours").add("pharmacy_sync_reconciliation", {
    steps: () => [
        ...menu("Comparison Runs", "menu_sync_reconciliation", "menu_monitoring"),
        click(".o_list_button_add", "Compare now"),
        { trigger: ".o_field_widget[name=stream_id] input", run: "edit Suppliers" },
        click(".o-autocomplete--dropdown-item:contains('Test Pharmacy: Suppliers')"),
        click("button[name=action_start]:contains('Compare')"),
        see(stage("Running")),
        see(".o_widget_sync_refresh:contains('refreshes itself')"),
        click("button[name=action_stop]", "Enough"),
        see(stage("Stopped")),
        see(".o_field_widget[name=reason]:contains('Stopped by Operator')", "It says who"),
        click("button[name=action_start]:contains('Resume')", "Go on"),
        see(stage("Running")),
        see(".o_field_widget[name=stage]:not(:empty)", "It says what it is about"),
        {
            content: "It ends, and the page says so by itself",
            trigger: stage("Done"),
            timeout: 60000,
        },
        see(".o_progressbar:contains('100')"),
        see(".alert:contains('Records that drifted apart: 2')"),
        click("button[name=action_view_drift]:contains('Show Drift')"),

        page("Differences"),
        see(row("Supplier 4", "Differs", "city", "Receive")),
        click(`${row("Supplier 3", "Differs", "city", "Send")} [name=record_name]`),
        see(".o_field_widget[name=differences] tr:contains('Lugo')", "Both values"),
        see(".o_field_widget[name=outcome]:contains('are sent to the pharmacy')", "What it will do"),
        press("action_repair"),
        see(stage("Being Repaired")),
        click(".breadcrumb-item:contains('Test Pharmacy: Suppliers')", "To the comparison"),
        { content: "The repair is done", trigger: stage("Done"), timeout: 60000 },

        ...menu("Differences", "menu_sync_drift", "menu_todo"),
        see(".o_facet_value:text('Open')"),
        see(noRow("Supplier 3"), "What is repaired is open no more"),
        ...selectRow("Supplier 4"),
        press("action_leave"),
        see(".o_view_nocontent:contains('No comparison has found anything that is still open')"),
        ...searchAll(row("Supplier 4", "Left as It Is")),
        ...filter("Repaired", noRow("Supplier 4")),
        see(row("Supplier 3", "Repaired")),
    ],
});
