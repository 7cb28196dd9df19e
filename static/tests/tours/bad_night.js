import { registry } from "@web/core/registry";

import { click, menu, row, see } from "./steps";

// A dry run of many records takes its time.
const PATIENCE = 60000;

/** Steps that may take a person so many clicks, with a menu's own. */
function within(most, steps) {
    let clicks = 0;
    return [
        {
            content: "From here on clicks are counted",
            trigger: ".o_sync_overview .o_sync_score",
            run: () => document.addEventListener("pointerdown", () => clicks++, true),
        },
        ...steps.map((step) => ({ timeout: PATIENCE, ...step })),
        {
            content: `That took at most ${most} clicks`,
            trigger: "body",
            run() {
                console.info(`${clicks} clicks`);
                if (!clicks || clicks > most) {
                    throw new Error(`${clicks} clicks, not 1 to ${most}`);
                }
            },
        },
    ];
}

const started = [
    click("button[name=action_start]:contains('Retry'):visible", "As it was foreseen"),
    see(".o_form_view button[name=action_stop]:visible", "It has begun"),
];
const mend = (cause, field, value) => [
    click(`${row("Failed", cause)} button[name=action_mend]`, cause),
    click(`.modal .o_data_row:contains('${field}') td[name=value]`, "One value, once"),
    { trigger: ".modal .o_data_row td[name=value] input", run: `edit ${value}` },
    click(".modal button[name=action_mend]"),
    ...started,
];

// Many orders of which the pharmacy refuses the quantity.
registry.category("web_tour.tours").add("pharmacy_sync_refused_quantities", {
    steps: () =>
        within(8, [
            ...menu("To Do", "menu_sync_todo", "menu_todo"),
            see(".o_data_row:count(1):contains('70')"),
            ...mend("validation", "Quantity", 4),
        ]),
});
