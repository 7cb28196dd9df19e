import { registry } from "@web/core/registry";

import {
    back,
    click,
    fill,
    menu,
    noRow,
    page,
    press,
    row,
    see,
    selectAll,
    selectRow,
    stage,
    without,
} from "./steps";

// One failure is acknowledged, looked into and resolved; the other error by itself.
registry.category("web_tour.tours").add("pharmacy_sync_error", {
    steps: () => [
        ...menu("Errors by Cause", "menu_sync_error_group", "menu_monitoring"),
        see(row("Authentication failed", "New", "High") + ":has([name=count]:text('2'))"),
        see(row("Service unavailable")),
        ...selectRow("Authentication failed"),
        press("action_acknowledge"),
        see(row("Authentication failed", "Acknowledged")),

        click(`${row("Authentication failed")} [name=message_text]`),
        see(stage("Acknowledged")),
        see(".o_field_widget[name=user_id] input:value('Operator')", "Who took it is responsible"),
        see(".alert:contains('What to do'):contains('key')", "It says what to do"),
        see(".o_field_widget[name=latest_error_ids] .o_data_row:count(2)"),

        click("button[name=action_view_dead_letters]:contains('2')", "What died of it"),
        page("Failed Changes"),
        see(".o_data_row:count(2)"),
        see(row("TOUR-DEAD-1")),
        ...back("Authentication failed"),

        click("button[name=action_view_errors]", "Each error by itself"),
        page("Error Log"),
        see(".o_data_row:count(2)"),
        click(`${row("TOUR-DEAD-1")} [name=message_text]`),
        see(".o_form_view .lead:has([name=happened])", "What happened stands first"),
        see(
            without(".o_form_statusbar", "button.btn-primary:contains('Resolved')") +
                " button.btn-primary:contains('Open Failed Change')",
            "The main button is the one that helps"
        ),
        see(".o_field_widget[name=fingerprint]", "What developers ask for is below"),
        click("button[name=action_open_failed_change].btn-primary"),
        page("TOUR-DEAD-1"),
        see(".o_form_statusbar button.btn-primary:contains('Open Pharmacy')", "The key is wrong"),
        click(".o_back_button, .breadcrumb-item:last-child a"),
        see(".o_form_view .lead:has([name=happened])"),
        press("action_resolve"),
        see(".ribbon:contains('Resolved')"),
        see(without(".o_form_view", "button[name=action_resolve]")),
        click(".breadcrumb-item:contains('Authentication failed')", "Back to the failure"),

        fill(".o_field_widget[name=resolution] input", "A new key was entered"),
        press("action_resolve"),
        see(stage("Resolved")),
        ...menu("Errors by Cause", "menu_sync_error_group", "menu_monitoring"),
        see(row("Service unavailable")),
        see(noRow("Authentication failed"), "It is gone from those that are open"),

        ...menu("Error Log", "menu_sync_error", "menu_monitoring"),
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
