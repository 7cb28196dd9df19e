import { registry } from "@web/core/registry";

import { click, see } from "./steps";

// What may be moved sideways by itself.
const SIDEWAYS = ".table-responsive, .o_kanban_renderer, .o_statusbar_status, .nav-tabs";

/** A page is read from top to bottom: nothing of it is cut off at the side. */
const fits = (content, root = ".o_action_manager") => ({
    content,
    trigger: "body",
    run() {
        for (const element of document.querySelectorAll(`${root} *`)) {
            const { right } = element.getBoundingClientRect();
            if (right > window.innerWidth + 1 && !element.closest(SIDEWAYS)) {
                throw new Error(`${content}: ${element.className} ends at ${right} px`);
            }
        }
    },
});

const menu = (entry) => [
    click(".o_menu_toggle", "The menu"),
    click(`.o_burger_menu_content [data-menu-xmlid='pharmacy_sync.${entry}']`),
    see("body:not(:has(.o_burger_menu_content))"),
];

// With a telephone: how it stands, what is wrong, why a letter is dead, what is to do,
// and a conflict decided.
registry.category("web_tour.tours").add("pharmacy_sync_small_screen", {
    steps: () => [
        see(".o_sync_overview .o_sync_score"),
        fits("Overview"),
        click(".o_sync_alert:contains('The shelf is empty')", "What is wrong"),
        see(".o_form_view .oe_title:contains('The shelf is empty')"),
        fits("An alert", ".o_form_sheet"),
        click(".o_back_button", "Back"),
        click(".o_sync_alert_log", "All that was wrong"),
        see(".o_kanban_record:contains('The shelf is empty')"),
        fits("Alerts"),
        click(".o_back_button", "Back"),
        click(".o_sync_figure[data-name=dead_letters]:contains('1') .o_sync_figure_open", "What is dead"),
        see(".o_kanban_record:contains('TOUR-DEAD'):contains('API key')"),
        fits("Failed changes"),
        click(".o_kanban_record:contains('TOUR-DEAD')"),
        see(".o_form_view .alert-danger:contains('What to do')"),
        fits("A dead letter"),

        ...menu("menu_sync_todo"),
        see(".o_kanban_record:contains('To decide') button[name=action_decide]"),
        fits("To Do"),

        ...menu("menu_sync_conflict"),
        click(".o_kanban_record:contains('TOUR-CONFLICT')"),
        click(".o_statusbar_buttons button[name=action_open_record]", "The order itself"),
        see(".o_sync_banner:visible:contains('decide which to keep')", "It says so"),
        fits("The order's banner", ".o_sync_banner"),
        click(".o_sync_banner button[name=action_sync_decide]:visible"),
        see(".o_conflict_row[data-path$=quantity] .o_conflict_change:contains('+6')"),
        fits("A conflict"),
        click(".o_conflict_row[data-path$=quantity] input[value=pharmacy]", "The pharmacy's"),
        see(".o_conflict_preview:contains('Will be written in Odoo'):contains('8.00')"),
        fits("What it comes to"),
        click(".o_conflict_apply:enabled"),
        see(".o_notification:contains('No conflict is left')"),
        see(".o_conflict_room .alert:contains('Buyer')", "Who decided"),
    ],
});
