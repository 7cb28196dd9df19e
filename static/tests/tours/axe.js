/* global axe */
import { loadJS } from "@web/core/assets";
import { registry } from "@web/core/registry";

import { click, open, row, see } from "./steps";

// Where the test serves axe-core.
const SOURCE = "/pharmacy_sync_axe.js";
// What Odoo draws itself, the same on its own pages.
const ODOOS = [
    ...[".o_control_panel", ".o-mail-Form-chatter", ".o_list_view thead", ".o_field_x2many thead"],
    ...[".o_list_record_selector", ".o_group_header", ".o_list_footer", ".o_avatar"],
    ...[".o_field_badge", ".o_select_menu_toggler", ".o_notebook_headers", ".dropdown-toggle"],
    ".o_field_many2one_avatar",
];
const found = [];

/** No node of the page violates a rule of axe-core; what does is reported at the end. */
const look = (content) => ({
    content: `axe: ${content}`,
    trigger: ".o_action_manager",
    async run() {
        await loadJS(SOURCE);
        // What fades in is pale until it has.
        const ending = document
            .getAnimations()
            .filter((move) => move.effect.getComputedTiming().endTime !== Infinity);
        await Promise.allSettled(ending.map((move) => move.finished));
        const include = [[".o_action_manager"], [".o_sync_systray"]].filter(
            ([selector]) => document.querySelector(selector)
        );
        const { violations } = await axe.run(
            { include, exclude: ODOOS.map((selector) => [selector]) },
            {
                resultTypes: ["violations"],
                // Odoo's cards are articles that it calls links.
                rules: { "aria-allowed-role": { enabled: false } },
            }
        );
        for (const { id, nodes } of violations) {
            for (const { html, failureSummary } of nodes) {
                found.push(`${content}: ${id}: ${html.slice(0, 160)} ${failureSummary}`);
            }
        }
    },
});

const nothingFound = {
    content: "No rule is violated",
    trigger: "body",
    run() {
        if (found.length) {
            throw new Error(found.join("\n"));
        }
    },
};

registry.category("web_tour.tours").add("pharmacy_sync_axe", {
    steps: () => [
        see(".o_sync_overview .o_sync_score"),
        look("Overview"),
        ...open("To Do", "action_sync_todo"),
        see(row("To decide")),
        look("To Do"),
        ...open("Conflicts", "action_sync_conflict"),
        see(row("TOUR-CONFLICT")),
        look("Conflicts"),
        click(`${row("TOUR-CONFLICT")} .o_data_cell`),
        see(".o_conflict_row"),
        look("Conflict"),
        ...open("Failed Changes", "action_sync_dead_letter"),
        see(".o_group_header.o_group_open:contains('Authentication failed')"),
        see(row("TOUR-DEAD")),
        look("Failed changes"),
        click(`${row("TOUR-DEAD")} .o_data_cell`),
        see(".o_form_view .alert-danger"),
        look("Failed change"),
        ...open("Alerts", "action_sync_alert"),
        look("Alerts"),
        ...open("Connection", "action_sync_breaker"),
        look("Breakers"),
        ...open("Errors by Cause", "action_sync_error_group"),
        look("Error groups"),
        click(`${row("Authentication failed")} [name=message_text]`),
        see(".o_form_view .alert-info"),
        look("Error group"),
        ...open("Error Log", "action_sync_error"),
        click(`${row("TOUR-DEAD")} [name=message_text]`),
        see(".o_form_view .alert-info"),
        look("Error"),
        ...open("Streams", "action_sync_stream"),
        click(`${row("Suppliers")} .o_data_cell`),
        see(".o_form_view [name=read_at]"),
        look("Stream"),
        ...open("Backends", "action_sync_backend"),
        click(".o_data_row .o_data_cell, .o_kanban_record"),
        see(".o_form_view [name=url]"),
        look("Backend"),
        nothingFound,
    ],
});
