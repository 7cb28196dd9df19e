import { registry } from "@web/core/registry";

import { click, gone, menu, row, see } from "./steps";

// Dry runs and decisions of many records take their time.
const PATIENCE = 60000;

/** Steps that may take a person so many clicks, with a menu's own. */
function within(most, steps) {
    let clicks = 0;
    return [
        {
            content: "From here on clicks are counted",
            timeout: PATIENCE,
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
const backToList = click(".o_breadcrumb a:contains('To Do')", "Back to the list");

const retry = (cause) => [
    click(`${row("Failed", cause)} button[name=action_retry]`, cause),
    ...started,
    backToList,
];

const mend = (cause, field, value) => [
    click(`${row("Failed", cause)} button[name=action_mend]`, cause),
    click(`.modal .o_data_row:contains('${field}') td[name=value]`, "One value, once"),
    { trigger: ".modal .o_data_row td[name=value] input", run: `edit ${value}` },
    click(".modal button[name=action_mend]"),
    ...started,
];

const decide = (what, side) => [
    click(`${row("To decide", what)} button[name=action_decide]`, what),
    click(`.modal [name=side] .o_radio_item:has([data-value=${side}]) input`),
    see(".modal [name=preview] table", "What will change"),
    click(".modal button[name=action_apply]"),
    see(gone("To decide", what), "They are decided"),
];

// After a bad night: all that waits for a person, to nothing.
registry.category("web_tour.tours").add("pharmacy_sync_bad_night", {
    steps: () =>
        within(40, [
            ...menu("To Do", "menu_sync_todo", "menu_todo"),
            see(".o_data_row:count(9)", "A row for each cause, and for each set of conflicts"),
            ...retry("Authentication failed"),
            ...retry("Insufficient permissions"),
            ...retry("Insufficient stock"),
            ...retry("Business rule violation"),
            ...retry("Configuration error"),
            ...mend("validation", "Quantity", 4),
            backToList,
            ...decide("Unit price", "odoo"),
            ...decide("Quantity", "pharmacy"),
            ...decide("Name", "odoo"),
        ]),
});

// Many orders of which the pharmacy refuses the quantity.
registry.category("web_tour.tours").add("pharmacy_sync_refused_quantities", {
    steps: () =>
        within(8, [
            ...menu("To Do", "menu_sync_todo", "menu_todo"),
            see(".o_data_row:count(1):contains('70')"),
            ...mend("validation", "Quantity", 4),
        ]),
});
