import { registry } from "@web/core/registry";

import { click, filter, menu, noRow, page, row, see } from "./steps";

const status = (state) =>
    `button[name=action_view_sync]:contains('${state}'):contains('Pharmacy')`;
const toMapping = (state, name) => [
    click(status(state), "It says how it stands"),
    see(`.o_form_view h1 .o_field_widget[name=record_name]:contains('${name}')`),
    see(".o_sync_timeline .o_data_row", "What happened to it"),
];

// From a template to its variants' mappings, and from each kind of mapping to its record.
registry.category("web_tour.tours").add("pharmacy_sync_record", {
    steps: () => [
        click(status("Dead Letter"), "Of two variants the worse is told"),
        page("Mappings"),
        see(".o_data_row:count(2)"),
        see(row("Large", "Dead Letter")),
        see(row("Small", "In Step")),
        click(".o_navbar_apps_menu button"),
        click(".o_app[data-menu-xmlid='pharmacy_sync.menu_root']"),

        ...menu("Mappings", "menu_sync_mapping"),
        ...filter("Purchase Orders", noRow("Amoxicillin")),
        click(`${row("TOUR-ORDER", "Conflict")} button[name=action_open_record]`),
        page("TOUR-ORDER"),
        ...toMapping("Conflict", "TOUR-ORDER"),
        see(".alert:contains('Both sides changed the same fields')"),
        click(".o_statusbar_buttons button[name=action_open_record]", "And back"),
        see(status("Conflict")),

        ...menu("Mappings", "menu_sync_mapping"),
        ...filter("Suppliers", noRow("Amoxicillin")),
        click(`${row("Veterinaria Alba")} button[name=action_open_record]`),
        page("Veterinaria Alba"),
        ...toMapping("In Step", "Veterinaria Alba"),

        ...menu("Mappings", "menu_sync_mapping"),
        ...filter("Products", noRow("Veterinaria Alba")),
        click(`${row("Amoxicillin 50 mg")} button[name=action_open_record]`),
        page("Amoxicillin 50 mg"),
        ...toMapping("In Step", "Amoxicillin 50 mg"),
        click(".nav-link:contains('Agreed Values')"),
        see(".o_field_widget[name=base_text]:contains('Amoxicillin 50 mg')"),
        click(".nav-link:contains('Operations')"),
        see(`[name=operation_ids] ${row("Push", "Done")}`),
    ],
});
