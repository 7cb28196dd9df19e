import { registry } from "@web/core/registry";

import {
    click,
    confirm,
    fill,
    filter,
    groupBy,
    menu,
    noRow,
    row,
    searchAll,
    see,
    stage,
    without,
} from "./steps";

// A manager says which record is which, and separates two that are not the same.
registry.category("web_tour.tours").add("pharmacy_sync_mapping", {
    steps: () => [
        ...menu("Linked Records", "menu_sync_mapping", "menu_records"),
        ...filter("Suppliers", noRow("Amoxicillin")),
        see(row("Farmacia Sur S.L.", "In Sync")),
        ...searchAll(row("Amoxicillin")),
        ...groupBy("Stream", ".o_group_header:contains('Test Pharmacy: Suppliers (3)')"),
        see(".o_group_header:contains('Test Pharmacy: Products (3)')"),
        ...searchAll(row("Farmacia Sur S.L.")),

        click(`${row("Farmacia Sur S.L.")} [name=record_name]`, "One that was made by mistake"),
        click("button:contains('Link to Another Record')"),
        see(".modal .o_field_widget[name=external_id] input:value('sup_')", "It knows the pharmacy's"),
        { trigger: ".modal .o_field_widget[name=record] select", run: "selectByLabel Suppliers" },
        fill(".modal .o_field_widget[name=record] .o-autocomplete--input", "The Real Farmacia"),
        click(".o-autocomplete--dropdown-item:contains('The Real Farmacia Sur')"),
        click(".modal footer button[name=action_link]", "Link"),
        see(".o_form_view h1:contains('The Real Farmacia Sur')"),
        see(".alert:contains('Both sides changed the same fields')", "The names differ"),
        see(stage("Conflict")),

        ...menu("Linked Records", "menu_sync_mapping", "menu_records"),
        ...filter("Needs attention", ".o_data_row:count(1)"),
        see(row("The Real Farmacia Sur", "Conflict")),
        ...searchAll(row("Amoxicillin")),
        ...filter("Suppliers", noRow("Amoxicillin")),
        click(`${row("Farmacia Norte")} [name=record_name]`, "Two that are not the same"),
        click("button[name=action_break_link]"),
        see(".modal:contains('two records for one')"),
        confirm,
        see(without(".o_form_view", "button[name=action_break_link]"), "It can be broken once"),
    ],
});
