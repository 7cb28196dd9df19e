import { registry } from "@web/core/registry";

import { click, gone, insist, menu, page, row, see, without } from "./steps";

const standing = (state) => `.o_sync_standing[data-state='${state}']`;
const NEEDS = "1 decision and 1 failed change need you.";
const RETRY = ".modal button[name=action_start], .o_form_view button[name=action_start]";
const SIDE = ".modal [name=side] input[data-value=odoo], .modal [name=side] .o_radio_input";
const decide = [
    insist(`${row("To decide", "Quantity")} button[name=action_decide]`, SIDE),
    click(SIDE),
    click(".modal button[name=action_apply]"),
    see(gone("To decide"), "The row is gone"),
];
const press = (key) => ({ trigger: "body", run: `press ${key}` });

// What waits for a person, said once and cleared from one list.
registry.category("web_tour.tours").add("pharmacy_sync_todo", {
    steps: () => [
        see(`.o_sync_overview ${standing("needs_person")}:contains('${NEEDS}')`),
        see(".o_sync_systray .badge:contains('2')", "The bar counts the same"),
        ...menu("To Do", "menu_sync_todo", "menu_todo"),
        see(row("Failed", "Authentication failed"), "The worst first"),
        see(".o_data_row:count(2)"),
        ...decide,
        click(".o_notification:contains('resolved') button:contains('Undo')", "By mistake"),
        see(".o_notification:contains('were undone: 1')"),
        see(row("To decide", "Quantity"), "The row is back"),
        ...decide,
        insist(`${row("Failed")} button[name=action_retry]`, RETRY, "The other is retried"),
        see(RETRY),
    ],
});

// A buyer sees what a buyer decides, and needs no mouse for it.
registry.category("web_tour.tours").add("pharmacy_sync_todo_buyer", {
    steps: () => [
        see(`.o_sync_overview ${standing("needs_person")}:contains('1 decision')`),
        ...menu("To Do", "menu_sync_todo", "menu_todo"),
        see(".o_data_row:count(1)"),
        see(without(".o_list_view", "button[name=action_retry], button[name=action_discard]")),
        {
            content: "Down to the row, and in",
            trigger: row("To decide", "Quantity"),
            async run({ press }) {
                document.querySelector(".o_searchview_input").focus();
                await press("ArrowDown");
                await press("ArrowDown");
                await press("Enter");
            },
        },
        page("Conflicts"),
        click(row("TOUR-CONFLICT") + " .o_data_cell"),
        see(".o_conflict_row[data-path$=quantity]"),
        press("ArrowRight"),
        press("Control+Enter"),
        see(".o_notification:contains('No conflict is left')"),
    ],
});

// Who works elsewhere in Odoo reads the same sentence, and that there is nothing to do.
registry.category("web_tour.tours").add("pharmacy_sync_outage", {
    steps: () => [
        see(".o_sync_systray .badge:contains('!')"),
        click(".o_sync_systray", "What is it?"),
        see(`.o_sync_systray_menu ${standing("away")}:contains('Does not answer since')`),
        see(`.o_sync_systray_menu ${standing("away")}:contains('You need to do nothing.')`),
        click(".o_sync_systray_menu .o_sync_try", "Try now all the same"),
        see(".o_notification:contains('Asked again')"),
        click(".o_sync_systray"),
        click(".o_sync_systray_menu button:contains('Overview')"),
        see(`.o_sync_overview ${standing("away")}`, "The same there"),
        see(".o_sync_figure[data-name=dead_letters] .o_sync_value:text('0')"),
    ],
});
