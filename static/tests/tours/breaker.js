import { registry } from "@web/core/registry";

import {
    back,
    click,
    fill,
    filter,
    menu,
    page,
    row,
    searchAll,
    see,
    selectAll,
    stage,
    without,
} from "./steps";

const card = (name) => `.o_kanban_record:contains('Test Pharmacy: ${name}')`;
const dialog = ".modal:not(.o_inactive_modal)";
const setMode = ".o_statusbar_buttons button:contains('Set Mode')";
const history = (...texts) =>
    `.o_field_widget[name=transition_ids] ${row(...texts)}`;

const force = (mode, reason) => [
    click(`${dialog} .o_radio_item:contains('${mode}') input`, mode),
    fill(`${dialog} .o_field_widget[name=reason] input`, reason),
    click(`${dialog} button[name=action_set_mode]`),
    see("body:not(:has(.modal))"),
];

// One connection is interrupted; the other by hand while the app is moved, and back.
registry.category("web_tour.tours").add("pharmacy_sync_breaker", {
    steps: () => [
        ...menu("Connection", "menu_sync_breaker", "menu_monitoring"),
        see(`${card("Read")}:contains('Interrupted'):contains('5 failures in a row')`),
        see(`${card("Read")} .o_sync_countdown:contains(':')`, "The countdown runs"),
        see(`${card("Send")}:contains('Working'):contains('calls failed')`),
        ...filter("Not working", without(".o_kanban_view", card("Send"))),
        ...searchAll(card("Send")),
        click(card("Send"), "The one that works"),
        see(stage("Working")),
        see(".o_form_view p:contains('A circuit breaker watches the calls')", "What it is for"),
        see(".alert:contains('You need to do nothing')", "What its state means"),

        click(setMode),
        click(`${dialog} .o_radio_item:contains('Interrupted by hand') input`, "Interrupted by hand"),
        see(`${dialog} .alert:contains('Nothing is sent')`, "What that means"),
        click(`${dialog} button[name=action_set_mode]`, "Without a reason"),
        see(`${dialog} .o_field_invalid[name=reason]`, "It asks for one"),
        ...force("Interrupted by hand", "The app is being moved"),
        see(".alert:contains('A person set this connection to'):contains('Interrupted by hand')"),
        see(stage("Interrupted")),
        see(history("Working", "Interrupted", "Interrupted by hand", "The app is being moved", "Operator")),

        click(setMode),
        ...force("Normal", "It has moved"),
        see(".alert:contains('No calls until'):contains('Try Now')", "Open until it was tried"),
        see(".o_statusbar_buttons button[name=action_try_now]"),
        see(history("Normal", "It has moved", "Operator")),
        see(".o_field_widget[name=transition_ids] .o_data_row:count(2)"),
        click(".oe_stat_button:contains('Calls')", "The calls that it counts"),
        page("Calls"),
        see(".o_data_row:contains('POST')"),
        ...back("Test Pharmacy: Send"),
        ...back("Connection"),

        click(".o_switch_view.o_list"),
        ...filter("Set by hand", ".o_view_nocontent"),
        ...searchAll(".o_data_row:count(2)"),
        ...selectAll,
        click(".o_control_panel button:contains('Set Mode')", "Both at once"),
        see(`${dialog} .o_tag:count(2)`),
        ...force("Watching only", "On trial"),
        see(row("Send", "Watching only", "On trial")),
        see(row("Read", "Watching only", "On trial")),
    ],
});
