/** Steps that many tours take, and the words that they describe their triggers in. */

/** What is found in `root` only if nothing matches `absent` there. */
export const without = (root, absent) => `${root}:not(:has(${absent}))`;

/** A row of a list that has all these texts. */
export const row = (...texts) =>
    ".o_data_row" + texts.map((text) => `:contains('${text}')`).join("");

/** A list that has no row with this text. */
export const noRow = (text) => without(".o_list_view", row(text));

/**
 * The list without a row that has these texts, and without a dialog over it: a dialog's
 * own list has no such row either, and is there until its button has its answer.
 */
export const gone = (...texts) =>
    `body:not(:has(.modal)):not(:has(${row(...texts)})) .o_list_view`;

/** The step of a status bar at which a record is. */
export const stage = (name) => `.o_arrow_button_current:contains('${name}')`;

export const see = (trigger, content) => ({ content, trigger });

export const click = (trigger, content) => ({ content, trigger, run: "click" });

/** Presses until `answer` is there: a list that is just read again may take no click. */
export const insist = (trigger, answer, content) => ({
    content,
    trigger,
    timeout: 30000,
    async run({ click, queryFirst, waitFor }) {
        for (let tries = 0; tries < 4 && queryFirst(trigger); tries++) {
            await click(trigger);
            const answered = waitFor(answer, { timeout: 6000 });
            if (await answered.catch(() => false)) {
                return;
            }
        }
    },
});

export const fill = (trigger, text) => ({ trigger, run: `edit ${text}` });

/** Says by which title a page is known to be open. */
export const page = (title) => see(`.o_last_breadcrumb_item:contains('${title}')`, title);

/** Opens a page by its entry in the menu, which is under "More" where the bar is full. */
export function menu(title, entry, section = entry) {
    const item = (id) => `[data-menu-xmlid='pharmacy_sync.${id}']`;
    return [
        {
            content: `Menu ${title}`,
            trigger: ".o_menu_sections [data-menu-xmlid^='pharmacy_sync.']",
            async run({ click, queryFirst, waitFor }) {
                const own = `.o_menu_sections ${item(section)}`;
                const more = ".o_menu_sections_more button";
                // The bar is drawn first, and then made to fit.
                await waitFor(`${own}, ${more}`, { visible: true, timeout: 5000 });
                const shown = queryFirst(own, { visible: true });
                await click(shown || more);
                if (!shown || section !== entry) {
                    const below = `.o-dropdown--menu ${item(entry)}`;
                    await click(await waitFor(below, { visible: true, timeout: 5000 }));
                }
            },
        },
        page(title),
    ];
}

/** Opens a page that has no entry in this person's menu, as a link to it does. */
export const open = (title, action) => [
    {
        content: `Link to ${title}`,
        trigger: "body",
        run: () =>
            odoo.__WOWL_DEBUG__.root.env.services.action.doAction(`pharmacy_sync.${action}`, {
                clearBreadcrumbs: true,
            }),
    },
    page(title),
];

/** Goes back to the page of that title. */
export const back = (title) => [click(".o_back_button", "Back"), page(title)];

const pick = (part, name, found) => [
    click(".o_searchview_dropdown_toggler", "What can be searched for"),
    click(`.${part} .o_menu_item:text('${name}')`, name),
    click(".o_searchview_dropdown_toggler", "That is all"),
    see(`.o_facet_value:text('${name}')`),
    see(found),
];

/** Filters a list; `found` is there only after it was. */
export const filter = (name, found) => pick("o_filter_menu", name, found);

export const groupBy = (name, found) => pick("o_group_by_menu", name, found);

/** Removes whatever is searched for; `found` is there only then. */
export const searchAll = (found) => [
    {
        content: "Without a filter",
        trigger: ".o_searchview",
        async run({ animationFrame, click, queryFirst }) {
            while (queryFirst(".o_facet_remove")) {
                await click(".o_facet_remove");
                await animationFrame();
            }
        },
    },
    see(found),
];

export const selectAll = [
    click("thead .o_list_record_selector input", "Select all"),
    see(".o_selection_box"),
];

export const selectRow = (...texts) => [
    click(`${row(...texts)} .o_list_record_selector input`, "Select it"),
    see(".o_selection_box"),
];

export const selectNone = [
    click(".o_selection_box .o_unselect_all", "Select none"),
    see(without(".o_control_panel", ".o_selection_box")),
];

/** Presses a button above a list or a form. */
export const press = (name) =>
    click(`.o_control_panel button[name='${name}'], .o_statusbar_buttons button[name='${name}']`);

/** Chooses an entry of a selection field; `root` is the row or form that has the field. */
export const choose = (root, name, label) => [
    click(`${root} [name='${name}'] .o_select_menu_toggler`),
    click(`.o_select_menu_item:contains('${label}')`),
    see(`${root} [name='${name}'] .o_select_menu_toggler:value('${label}')`),
];

export const confirm = click(".modal:not(.o_inactive_modal) footer .btn-primary", "Yes");
