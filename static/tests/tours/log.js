import { registry } from "@web/core/registry";

import {
    back,
    click,
    filter,
    groupBy,
    menu,
    noRow,
    page,
    press,
    row,
    searchAll,
    see,
    selectAll,
    selectRow,
} from "./steps";

const log = (title, entry) => menu(title, entry, "menu_monitoring");
const handlers = ".o_field_widget[name=delivery_ids]";

// What happened: calls, events, who was notified of them, who did it, and how often.
registry.category("web_tour.tours").add("pharmacy_sync_log", {
    steps: () => [
        ...log("Calls", "menu_sync_call"),
        see(".o_data_row:contains('POST'):contains('Answered')"),
        click(".o_data_row:contains('POST') .o_data_cell"),
        see(".o_form_view .o_field_widget[name=display_name]:contains('/api/v1/')"),

        ...log("Events", "menu_sync_event"),
        ...filter("A Handler Failed", ".o_data_row:count(2)"),
        see(".o_data_row.text-danger:count(2)", "Two that are in trouble"),
        click(`${row("Order updated")} .o_data_cell`),
        see(".alert:contains('A handler failed at this event')"),
        see(`${handlers} ${row("metrics", "Failed", "no room left")}`),
        click(`${handlers} button[name=action_retry]`, "Have it tried again"),
        see(`${handlers} ${row("metrics", "Waiting")}`),

        ...log("Failed Event Handlers", "menu_sync_event_delivery"),
        ...filter("Failed", ".o_data_row:count(1)"),
        ...selectAll,
        press("action_retry"),
        see(".o_view_nocontent:contains('No failed handlers')"),
        ...searchAll(`${row("Waiting")}:count(2)`),

        ...log("Audit Trace", "menu_sync_audit"),
        see(row("Order updated", "Buyer", "Source"), "Who changed what"),
        ...groupBy("Made by", ".o_group_header"),
        click(".o_group_header:contains('Buyer (1)')"),
        see(row("Order updated", "Buyer")),

        ...log("Statistics", "menu_sync_metric"),
        see(".o_facet_value:text('Errors')"),
        see(".o_graph_canvas_container canvas", "Drawn"),
        click(".o_switch_view.o_pivot", "Counted"),
        see(".o_pivot_cell_value:contains('4')"),
        click(".o_switch_view.o_list"),
        see(row("Authentication failed", "High")),
        see(".o_list_footer:contains('4')", "In all"),

        ...log("Events per Hour", "menu_sync_event_metric"),
        see(".o_graph_canvas_container canvas"),

        ...log("Cache", "menu_sync_cache"),
        see(row("Product")),
        ...filter("Suppliers", noRow("Product")),
        click(`${row("Supplier", "sup_")} .o_data_cell`),
        see(".o_field_widget[name=value_text]:contains('Veterinaria Alba')", "What is kept"),
        ...back("Cache"),
        ...selectRow("Supplier"),
        press("action_clear"),
        see(".o_view_nocontent:contains('Nothing is cached')", "It is forgotten"),
        ...searchAll(row("Product")),
        ...log("Cache Hits", "menu_sync_cache_use"),
        page("Cache Hits"),
    ],
});
