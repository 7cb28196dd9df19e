import { registry } from "@web/core/registry";

import { choose, click, fill, menu, row, see } from "./steps";

const edited = ".o_selected_row";
const add = (name) => `[name=${name}] .o_field_x2many_list_row_add a`;
const keep = [
    click(".o_form_button_save", "Keep it"),
    see(".o_form_status_indicator_buttons.invisible:not(:visible)", "It is kept"),
];
const QUICK = [
    ["Notes", "remarks"],
    ["Reference", "number"],
    ["Currency", "money"],
    ["Line: Quantity", "qty"],
    ["Line: Unit price", "cost"],
    ["Line: Description", "label"],
];

// Which further fields a stream carries, and how the app calls others: entered as fast as
// the page can be clicked, without a look at what becomes of it.
registry.category("web_tour.tours").add("pharmacy_sync_stream_fields", {
    steps: () => [
        ...menu("Streams", "menu_sync_stream", "menu_configuration"),
        click(`${row("Purchase Orders")} [name=entity]`),
        click(add("further_field_ids")),
        ...choose(edited, "offered", "Line: Received quantity"),
        click(add("further_field_ids")),
        click(`${edited} [name=odoo_field] .o_model_field_selector`),
        fill(".o_model_field_selector_popover_search input", "Vendor Reference"),
        click(".o_model_field_selector_popover_item_name:contains('Vendor Reference')"),
        fill(`${edited} [name=path] input`, "vendor_ref"),
        ...choose(edited, "direction", "Both ways"),
        ...keep,
        see(`[name=further_field_ids] ${row("Line: Received quantity", "Only to the pharmacy")}`),
        see(`[name=further_field_ids] ${row("vendor_ref", "Both ways")}`),
        {
            content: "Names, one after the other",
            trigger: add("field_name_ids"),
            timeout: 60000,
            async run({ click, edit, waitFor }) {
                const own = `[name=field_name_ids] ${edited}`;
                const toggler = `${own} [name=picked] .o_select_menu_toggler`;
                for (const [count, [label, path]] of QUICK.entries()) {
                    await click(add("field_name_ids"));
                    // Until its answer is there the row before is still the open one,
                    // and takes what is chosen.
                    const row = `[name=field_name_ids] .o_data_row:eq(${count})`;
                    await waitFor(`${row}.o_selected_row`, { timeout: 9000 });
                    await click(toggler);
                    const item = `.o_select_menu_item:contains(/^${label}$/)`;
                    await click(await waitFor(item, { timeout: 9000 }));
                    await edit(path, `${own} [name=path] input`);
                }
            },
        },
        ...keep,
    ],
});
