import { registry } from "@web/core/registry";

import {
    back,
    click,
    fill,
    filter,
    groupBy,
    menu,
    noRow,
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
        ...menu("Queue", "menu_sync_operation", "menu_monitoring"),
        see(".o_facet_value:text('In queue')", "What is still to be done comes first"),
        see(row("TOUR-NEW", "Pending")),
        see(row("TOUR-SLOW", "Waiting", "It may succeed later")),
        see(noRow("TOUR-DEAD")),
        ...searchAll(row("TOUR-DEAD-1", "Failed")),
        see(row("TOUR-NEW", "Done"), "Its creation"),

        ...groupBy("State", ".o_group_header:contains('Failed (2)')"),
        see(".o_group_header:contains('Waiting (1)')"),
        ...searchAll(row("TOUR-DEAD-1")),

        click(".o_switch_view.o_kanban", "The board has a column for each state"),
        see(`${column("Failed")} .o_kanban_record:contains('TOUR-DEAD-1'):contains('Attempts: 1')`),
        see(`${column("Failed")} .o_kanban_record:count(2)`),
        see(
            `${column("Waiting")} .o_kanban_record:contains('TOUR-SLOW') .o_sync_countdown:contains(':')`,
            "The countdown runs"
        ),
        see(column("Pending") + ":has(.o_kanban_record:contains('TOUR-NEW'))"),

        click(".o_switch_view.o_list", "In the list again"),
        ...filter("Needs a Person", ".o_data_row:count(2)"),
        ...selectAll,
        press("action_redrive"),
        see(".o_view_nocontent", "None is dead"),
        ...searchAll(row("TOUR-NEW", "Done")),
        ...filter("In queue", noRow("Done")),
        see(row("TOUR-DEAD-1", "Pending")),
        see(row("TOUR-DEAD-2", "Pending")),

        click(`${row("TOUR-SLOW")} .o_data_cell`, "One that waits"),
        see(stage("Waiting")),
        click(".o_statusbar_buttons button:contains('Try Now')", "Wait no longer"),
        see(stage("Pending")),
        see(without(".o_form_view", "button:contains('Try Now')")),
        ...back("Queue"),
        see(row("TOUR-SLOW", "Pending"), "The list was read again"),

        ...selectRow("TOUR-NEW"),
        press("action_ask_discard"),
        fill(".modal .o_field_widget[name=reason] input", "Ordered by telephone"),
        click(".modal footer button[name=action_discard]", "Discard"),
        see(noRow("TOUR-NEW")),
        see(row("TOUR-SLOW", "Pending")),
    ],
});
