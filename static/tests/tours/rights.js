import { registry } from "@web/core/registry";

import { back, click, open, page, row, searchAll, see, selectAll, selectNone, without } from "./steps";

const above = (...buttons) =>
    see(
        without(
            ".o_control_panel:has(.o_selection_box)",
            buttons.map((name) => `button[name='${name}']`).join(", ")
        ),
        "Selected, and nothing can be done with it"
    );
const form = (...buttons) =>
    see(
        without(".o_form_view", buttons.map((name) => `button[name='${name}']`).join(", ")),
        "Seen, and nothing can be done with it"
    );
const setMode = "button:contains('Set Mode')";

// Who only looks has few pages in the menu, may see all, and is offered nothing that would be refused.
registry.category("web_tour.tours").add("pharmacy_sync_rights", {
    steps: () => [
        see(".o_sync_overview .o_sync_score"),
        see(
            without(".o_menu_sections", "[data-menu-xmlid='pharmacy_sync.menu_configuration']"),
            "No configuration"
        ),
        see(without(".o_menu_sections", ".o_menu_sections_more"), "Not under More either"),
        see(
            without(".o_menu_sections", "[data-menu-xmlid='pharmacy_sync.menu_monitoring']"),
            "Nor what operators watch"
        ),
        click(".o_menu_sections [data-menu-xmlid='pharmacy_sync.menu_todo']"),
        see(
            without(
                ".o-dropdown--menu:contains('Conflicts')",
                "[data-menu-xmlid='pharmacy_sync.menu_sync_dead_letter']"
            ),
            "Only what a buyer decides"
        ),
        click(".o_menu_sections [data-menu-xmlid='pharmacy_sync.menu_todo']"),

        ...open("Queue", "action_sync_operation"),
        ...searchAll(row("TOUR-DEAD", "Failed")),
        ...selectAll,
        above("action_redrive", "action_ask_discard"),
        ...selectNone,
        click(`${row("TOUR-DEAD", "Failed")} [name=display_name]`),
        see(".alert-danger:contains('What to do')"),
        form(
            ...["action_plan_redrive", "action_ask_assign", "action_ask_discard"],
            ...["action_redrive", "action_stop", "action_restore", "action_compare"]
        ),
        see(without(".o_statusbar_buttons", "button:contains('Edit...')")),
        see(".o_statusbar_buttons button[name=action_open_record]", "The record may be opened"),

        ...open("Failed Changes", "action_sync_dead_letter"),
        see(".o_group_header.o_group_open:contains('Authentication failed')"),
        see(without(".o_group_header.o_group_open", "button[name]")),
        ...selectAll,
        above("action_plan_redrive", "action_assign_to_me", "action_ask_assign", "action_ask_discard"),

        ...open("Errors by Cause", "action_sync_error_group"),
        ...selectAll,
        above("action_acknowledge", "action_resolve", "action_mute", "action_plan_redrive"),
        ...selectNone,
        click(`${row("Authentication failed")} [name=message_text]`),
        page("Authentication failed"),
        form("action_acknowledge", "action_resolve", "action_mute", "action_plan_redrive"),
        see(".o_form_view .o_form_readonly", "Nothing to write in"),
        click(".o_field_widget[name=latest_error_ids] .o_data_row [name=message_text]"),
        see(".modal .nav-link:contains('Technical Details')"),
        see(
            without(".modal", "button[name=action_resolve], [name=trace]"),
            "Nothing to do, and no stack trace"
        ),
        click(".modal .btn-close"),
        see("body:not(:has(.modal))"),

        ...open("Linked Records", "action_sync_mapping"),
        click(`${row("TOUR-DEAD")} [name=record_name]`),
        page("TOUR-DEAD"),
        form("action_break_link"),
        see(without(".o_statusbar_buttons", "button:contains('Link to Another Record')")),

        ...open("Differences", "action_sync_drift"),
        click(`${row("TOUR-DEAD")} [name=record_name]`),
        page("TOUR-DEAD"),
        form("action_repair", "action_leave"),
        see(without(".o_field_widget[name=repair]", "input"), "Nothing to choose"),
        ...open("Comparison Runs", "action_sync_reconciliation"),
        see(without(".o_list_view:has(.o_data_row)", ".o_list_button_add"), "None is begun"),

        ...open("Connection", "action_sync_breaker"),
        click(".o_kanban_record:contains('Test Pharmacy: Send')"),
        page("Test Pharmacy: Send"),
        see(without(".o_form_view", setMode)),
        ...back("Connection"),
        click(".o_switch_view.o_list"),
        ...selectAll,
        see(without(".o_control_panel:has(.o_selection_box)", setMode)),

        ...open("Cache", "action_sync_cache"),
        ...selectAll,
        above("action_clear"),
        ...open("Failed Event Handlers", "action_sync_event_delivery"),
        ...selectAll,
        above("action_retry"),
    ],
});

// Who has nothing to do with it meets it nowhere.
registry.category("web_tour.tours").add("pharmacy_sync_outsider", {
    steps: () => [
        see(".o_form_view [name=partner_id] input:value('Veterinaria Alba')"),
        form("action_view_sync", "action_view_sync_sagas", "action_sync_reserve"),
        click(".o_navbar_apps_menu button"),
        see(".o_app:contains('Purchase')"),
        see("body:not(:has(.o_app[data-menu-xmlid='pharmacy_sync.menu_root']))"),
    ],
});
