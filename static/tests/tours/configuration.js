import { registry } from "@web/core/registry";

import { back, choose, click, confirm, fill, menu, page, row, see, without } from "./steps";

const configure = (title, entry) => menu(title, entry, "menu_configuration");
const edited = ".o_selected_row";
const dialog = ".modal:not(.o_inactive_modal)";
const cell = (name, value) => fill(`${edited} [name=${name}] input`, value);
const keep = [
    click(".o_form_button_save", "Keep it"),
    see(".o_form_status_indicator_buttons.invisible:not(:visible)", "It is kept"),
];

// What a failure means, how often it is tried again, and who wins: a manager says.
registry.category("web_tour.tours").add("pharmacy_sync_rules", {
    steps: () => [
        ...configure("Error Rules", "menu_sync_error_rule"),
        click(".o_list_button_add"),
        see(".o_form_view p:contains('one of status, code and message is needed')", "Help"),
        ...choose(".o_form_view", "error_type", "Insufficient stock"),
        see(".o_form_view [name=advice]:contains('Lower the quantity')", "What comes with the type"),
        click(".o_form_button_save", "A rule that holds for anything"),
        see(`${dialog}:contains('A rule needs a status, a code or a pattern')`),
        click(`${dialog} button.btn-primary`, "Understood"),
        fill(".o_form_view [name=http_status] input", "6000"),
        click(".o_form_button_save", "There is no such status"),
        see(`${dialog}:contains('HTTP Status must be 0 to 599')`),
        click(`${dialog} button.btn-primary`, "Understood"),
        fill(".o_form_view [name=http_status] input", "422"),
        fill(".o_form_view [name=code] input", "stock_reserved"),
        ...keep,
        ...back("Error Rules"),
        see(row("422", "stock_reserved", "Insufficient stock")),

        ...configure("Retry Policies", "menu_sync_retry_policy"),
        click(`${row("Default", "Full")} [name=max_attempts]`),
        fill(".o_form_view [name=max_attempts] input", "4"),
        ...keep,
        ...back("Retry Policies"),
        click(".o_list_button_add", "One type has its own"),
        see(".o_form_view p:contains('up to the maximum')", "Help"),
        ...choose(".o_form_view", "error_type", "Insufficient stock"),
        fill(".o_form_view [name=max_attempts] input", "2"),
        fill(".o_form_view [name=base] input", "60"),
        fill(".o_form_view [name=factor] input", "3"),
        fill(".o_form_view [name=cap] input", "30"),
        ...choose(".o_form_view", "jitter", "None"),
        click(".o_form_button_save", "The longest below the first"),
        see(`${dialog}:contains('the longest not below the first')`),
        click(`${dialog} button.btn-primary`, "Understood"),
        fill(".o_form_view [name=cap] input", "600"),
        ...keep,
        ...back("Retry Policies"),
        see(row("Insufficient stock", "2", "600")),

        ...configure("Conflict Rules", "menu_sync_conflict_rule"),
        see(".o_data_row:eq(0):contains('Cancelled wins')"),
        {
            content: "The texts first",
            trigger: `${row("Merge the texts")} .o_row_handle`,
            run: "drag_and_drop .o_data_row:eq(0)",
        },
        see(".o_data_row:eq(0):contains('Merge the texts')"),
        click(`${row("Amounts agree")} .o_boolean_toggle input`, "Not this one"),
        see(`${row("Amounts agree")}.text-muted`),
        click(`${row("Merge the texts")} [name=reason]`),
        click(".o_form_view [name=picked] .o_select_menu_toggler", "By its name"),
        click(".o_select_menu_item:contains('Line: Description')"),
        see(".o_form_view [name=paths] input:value('notes, lines.description')"),
        fill(".o_form_view [name=reason] input", "Both notes were kept"),
        ...keep,
        ...back("Conflict Rules"),
        see(row("Both notes were kept", "Line: Description")),

        ...configure("Streams", "menu_sync_stream"),
        click(`${row("Purchase Orders")} [name=entity]`),
        ...choose(".o_form_view", "conflict_policy", "The newest wins"),
        click("[name=conflict_policy_ids] .o_field_x2many_list_row_add a"),
        ...choose(edited, "policy", "Odoo wins"),
        ...choose(edited, "picked", "Line: Quantity"),
        ...keep,
        see(`[name=conflict_policy_ids] ${row("Line: Quantity", "Odoo wins")}`),
    ],
});

// A backend is paused and resumed, its streams turned, and all of it run now.
registry.category("web_tour.tours").add("pharmacy_sync_backend", {
    steps: () => [
        ...configure("Backends", "menu_sync_backend"),
        click(`${row("Test Pharmacy", "127.0.0.1")} [name=name]`),
        see("button[name=action_view_operations]:contains('0')"),
        click("button[name=action_synchronise]", "Now"),
        see(".o_notification:contains('Changes of both sides are being carried over')"),
        // The page is read again behind the message: not while it is being edited.
        ...back("Backends"),
        click(`${row("Test Pharmacy", "127.0.0.1")} [name=name]`),

        click("button[name=action_pause]", "Pause"),
        see(".modal:contains('until you resume')", "It says what that means"),
        click(".modal footer button:contains('Pause')"),
        see(".ribbon:contains('Paused')"),
        see(".o-mail-Message:contains('Paused'):count(1)", "It is noted who did it"),
        see(without(".o_form_view", "button[name=action_synchronise]")),
        see(without(".o_form_view", "button[name=action_send_all]")),
        click("button[name=action_resume]", "Resume"),
        see(without(".o_form_view", ".ribbon:contains('Paused')")),
        see(".o-mail-Message:contains('Paused'):count(2)"),

        click("[name=stream_ids] .o_optional_columns_dropdown button"),
        click(".o-dropdown-item:contains('Batch Size')", "A column that can be shown"),
        click(`[name=stream_ids] ${row("Products")} [name=direction]`),
        ...choose(edited, "direction", "Pharmacy to Odoo"),
        cell("batch_size", "50"),
        ...keep,
        click(".nav-link:contains('Breakers')"),
        see(`[name=breaker_ids] ${row("Send", "Working", "Normal")}`),
        click(".nav-link:contains('Call Limits')"),
        see(`[name=pool_ids] ${row("Sending")}`),
        click(".nav-link:contains('Time Limits')"),
        fill(".o_field_widget[name=read_timeout] input", "25"),
        ...keep,
        click("button[name=action_send_all]"),
        see(`${dialog}:contains('will be sent. Continue?')`),
        confirm,
        see("button[name=action_view_operations]:not(:contains('0'))", "They are in the queue"),

        ...configure("Call Limits", "menu_sync_pool"),
        click(`${row("Sending")} [name=concurrency]`),
        see(".o_form_view p:contains('in all workers together')", "Help"),
        fill(".o_form_view [name=concurrency] input", "5000"),
        click(".o_form_button_save", "Too many"),
        see(`${dialog}:contains('At Once must be 1 to 1000')`),
        click(`${dialog} button.btn-primary`, "Understood"),
        fill(".o_form_view [name=concurrency] input", "7"),
        ...keep,
        ...back("Call Limits"),
        see(`${row("Sending")} [name=concurrency]:text('7')`),

        ...configure("Streams", "menu_sync_stream"),
        see(row("Products")),
        click(`${row("Suppliers")} [name=entity]`),
        click("button[name=action_view_mappings]", "Its records"),
        page("Linked Records"),
        see(row("Veterinaria Alba")),
        ...back("Suppliers"),
        click("button[name=action_reconcile]", "Compare both sides now"),
        see(".o_arrow_button_current:contains('Running')"),
        see(".o_field_widget[name=stream_id]:contains('Suppliers')"),
    ],
});

const origin = (variable, ...texts) =>
    `[name=pharmacy_sync_origins] tr:has(code:text('${variable}'))` +
    texts.map((text) => `:contains('${text}')`).join("");
const threshold = ".o_field_widget[name=pharmacy_sync_breaker_threshold] input";

// Settings say where each value comes from; what is saved comes from the records.
registry.category("web_tour.tours").add("pharmacy_sync_settings", {
    steps: () => [
        ...configure("Settings", "menu_settings"),
        see(".settings_tab .selected[data-key=pharmacy_sync]"),
        see("a.o_sync_help[href*='administrator/settings#']", "Help"),
        see(origin("ERROR_RETRY_MAX_ATTEMPTS", "8", "environment")),
        see(origin("ERROR_CIRCUIT_BREAKER_THRESHOLD", "5", "default")),
        see(origin("LINEAR_API_KEY", "****", "environment"), "No secret is shown"),
        see(origin("CODEGEN_ORG_ID", "not set")),
        fill(threshold, "7"),
        { ...click(".o_form_button_save", "Save"), expectUnloadPage: true },
        see(origin("ERROR_CIRCUIT_BREAKER_THRESHOLD", "7", "record")),
        see(`${threshold}:value('7')`),
    ],
});
