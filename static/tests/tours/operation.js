import { registry } from "@web/core/registry";

import {
    back,
    click,
    confirm,
    fill,
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
    stage,
    without,
} from "./steps";

const column = (name) => `.o_kanban_group:has(.o_column_title:contains('${name}'))`;

// What waits, what died; two are redriven from the list, and one does not wait longer.
registry.category("web_tour.tours").add("pharmacy_sync_operation", {
    steps: () => [
        ...menu("Operations", "menu_sync_operation"),
        see(".o_facet_value:text('In queue')", "What is still to be done comes first"),
        see(row("TOUR-NEW", "Pending")),
        see(row("TOUR-SLOW", "Waiting", "It may succeed later")),
        see(noRow("TOUR-DEAD")),
        ...searchAll,
        see(row("TOUR-DEAD-1", "Dead")),
        see(row("TOUR-NEW", "Done"), "Its creation"),

        ...groupBy("State"),
        see(".o_group_header:contains('Dead (2)')"),
        see(".o_group_header:contains('Waiting (1)')"),
        ...searchAll,

        click(".o_switch_view.o_kanban", "The board has a column for each state"),
        see(`${column("Dead")}:has(.o_kanban_record:contains('TOUR-DEAD-1'):contains('Attempts: 1'))`),
        see(`${column("Dead")} .o_kanban_record:count(2)`),
        see(
            `${column("Waiting")} .o_kanban_record:contains('TOUR-SLOW') .o_sync_countdown:contains(':')`,
            "The countdown runs"
        ),
        see(column("Pending") + ":has(.o_kanban_record:contains('TOUR-NEW'))"),

        click(".o_switch_view.o_list", "In the list again"),
        ...filter("Dead letters"),
        see(".o_data_row:count(2)"),
        ...selectAll,
        press("action_redrive"),
        see(".o_view_nocontent", "None is dead"),
        ...searchAll,
        ...filter("In queue"),
        see(row("TOUR-DEAD-1", "Pending")),
        see(row("TOUR-DEAD-2", "Pending")),

        click(`${row("TOUR-SLOW")} .o_data_cell`, "One that waits"),
        see(stage("Waiting")),
        click(".o_statusbar_buttons button:contains('Try Now')", "Wait no longer"),
        see(stage("Pending")),
        see(without(".o_form_view", "button:contains('Try Now')")),
        ...back("Operations"),

        ...selectRow("TOUR-NEW"),
        press("action_ask_discard"),
        fill(".modal .o_field_widget[name=reason] input", "Ordered by telephone"),
        click(".modal footer button[name=action_discard]", "Discard"),
        see(noRow("TOUR-NEW")),
        see(row("TOUR-SLOW", "Pending")),
    ],
});

// One failure is acknowledged, looked into and resolved; the other error by itself.
registry.category("web_tour.tours").add("pharmacy_sync_error", {
    steps: () => [
        ...menu("Errors", "menu_sync_error_group", "menu_error"),
        see(row("Authentication failed", "New", "High") + ":has([name=count]:text('2'))"),
        see(row("Service unavailable")),
        ...selectRow("Authentication failed"),
        press("action_acknowledge"),
        see(row("Authentication failed", "Acknowledged")),

        click(`${row("Authentication failed")} [name=message]`),
        see(stage("Acknowledged")),
        see(".o_field_widget[name=user_id] input:value('Operator')", "Who took it is responsible"),
        see(".alert:contains('What to do'):contains('key')", "It says what to do"),
        see(".o_field_widget[name=latest_error_ids] .o_data_row:count(2)"),

        click("button[name=action_view_dead_letters]:contains('2')", "What died of it"),
        page("Dead Letters"),
        see(".o_data_row:count(2)"),
        see(row("TOUR-DEAD-1")),
        ...back("Authentication failed"),

        click("button[name=action_view_errors]", "Each error by itself"),
        page("Errors"),
        see(".o_data_row:count(2)"),
        click(`${row("TOUR-DEAD-1")} [name=message]`),
        see(".o_form_view .lead:has([name=message])"),
        press("action_resolve"),
        see(".ribbon:contains('Resolved')"),
        see(without(".o_form_view", "button[name=action_resolve]")),
        click(".breadcrumb-item:contains('Authentication failed')", "Back to the failure"),

        fill(".o_field_widget[name=resolution] input", "A new key was entered"),
        press("action_resolve"),
        see(stage("Resolved")),
        ...menu("Errors", "menu_sync_error_group", "menu_error"),
        see(row("Service unavailable")),
        see(noRow("Authentication failed"), "It is gone from those that are open"),

        ...menu("Errors", "menu_sync_error", "menu_error"),
        see(".o_facet_value:text('Unresolved')"),
        see(row("TOUR-SLOW", "Service unavailable")),
        see(noRow("TOUR-DEAD")),
        click(".o_switch_view.o_graph", "Drawn"),
        see(".o_graph_canvas_container canvas"),
        click(".o_switch_view.o_pivot", "Counted"),
        see(".o_pivot th:contains('Total')"),
        click(".o_switch_view.o_list"),
        ...selectAll,
        press("action_resolve"),
        see(".o_view_nocontent:contains('No unresolved errors')"),
    ],
});

// A manager says which record is which, and separates two that are not the same.
registry.category("web_tour.tours").add("pharmacy_sync_mapping", {
    steps: () => [
        ...menu("Mappings", "menu_sync_mapping"),
        ...filter("Suppliers"),
        see(row("Farmacia Sur S.L.", "In Step")),
        see(noRow("Amoxicillin")),
        ...filter("In step"),
        see(row("Farmacia Sur S.L.")),
        ...searchAll,
        ...groupBy("State"),
        see(".o_group_header:contains('In Step (')"),
        ...searchAll,

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

        ...menu("Mappings", "menu_sync_mapping"),
        ...filter("Needs attention"),
        see(row("The Real Farmacia Sur", "Conflict")),
        ...searchAll,
        ...filter("Suppliers"),
        click(`${row("Farmacia Norte")} [name=record_name]`, "Two that are not the same"),
        click("button[name=action_break_link]"),
        see(".modal:contains('Each side')"),
        confirm,
        see(without(".o_form_view", "button[name=action_break_link]"), "It can be broken once"),
    ],
});
