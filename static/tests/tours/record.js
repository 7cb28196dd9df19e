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
        click(status("Change Failed"), "The worse of two variants is shown"),
        page("Linked Records"),
        see(".o_data_row:count(2)"),
        see(row("Large", "Change Failed")),
        see(row("Small", "In Sync")),
        click(".o_navbar_apps_menu button"),
        click(".o_app[data-menu-xmlid='pharmacy_sync.menu_root']"),

        ...menu("Linked Records", "menu_sync_mapping", "menu_records"),
        ...filter("Purchase Orders", noRow("Amoxicillin")),
        click(`${row("TOUR-ORDER", "Conflict")} button[name=action_open_record]`),
        page("TOUR-ORDER"),
        ...toMapping("Conflict", "TOUR-ORDER"),
        see(".alert:contains('Both sides changed the same fields')"),
        click(".o_statusbar_buttons button[name=action_open_record]", "And back"),
        see(status("Conflict")),

        ...menu("Linked Records", "menu_sync_mapping", "menu_records"),
        ...filter("Suppliers", noRow("Amoxicillin")),
        click(`${row("Veterinaria Alba")} button[name=action_open_record]`),
        page("Veterinaria Alba"),
        ...toMapping("In Sync", "Veterinaria Alba"),

        ...menu("Linked Records", "menu_sync_mapping", "menu_records"),
        ...filter("Products", noRow("Veterinaria Alba")),
        click(`${row("Amoxicillin 50 mg")} button[name=action_open_record]`),
        page("Amoxicillin 50 mg"),
        ...toMapping("In Sync", "Amoxicillin 50 mg"),
        click(".nav-link:contains('Agreed Values')"),
        see(".o_field_widget[name=base_text]:contains('Amoxicillin 50 mg')"),
        click(".nav-link:contains('Operations')"),
        see(`[name=operation_ids] ${row("Send", "Done")}`),
    ],
});
