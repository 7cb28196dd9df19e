import { Component } from "@odoo/owl";

import { DateTimeInput } from "@web/core/datetime/datetime_input";
import { deserializeDateTime, serializeDateTime } from "@web/core/l10n/dates";
import { localization } from "@web/core/l10n/localization";
import { parseFloat } from "@web/views/fields/parsers";

/**
 * One field of a conflict: its three values, and the one that both sides will have.
 *
 * A choice is { choice: "odoo" | "pharmacy" | "manual", value, text }: the value as the
 * server reads it, the text as the person typed it.
 */
export class ConflictRow extends Component {
    static template = "pharmacy_sync.ConflictRow";
    static components = { DateTimeInput };
    static props = {
        row: Object,
        choice: { type: Object, optional: true },
        result: { type: String, optional: true },
        error: { type: String, optional: true },
        onChoose: Function,
    };

    setup() {
        this.format = localization.dateTimeFormat.replace(":ss", "");
    }

    get label() {
        const { group, title } = this.props.row;
        return group ? `${group}: ${title}` : title;
    }

    get chosen() {
        return this.props.choice?.choice || this.props.row.decided;
    }

    /** Whether another value than that of this side was decided on. */
    wasLost(side) {
        const { decided } = this.props.row;
        return ["odoo", "pharmacy", "manual"].includes(decided) && decided !== side;
    }

    /** The text of the result, as it stands in its input. */
    get resultText() {
        const { row, choice, result } = this.props;
        if (row.decided) {
            return row.result.text;
        }
        if (!choice) {
            return "";
        }
        return choice.choice === "manual" ? choice.text : result ?? row[choice.choice].text;
    }

    get moment() {
        const { row, choice } = this.props;
        const value = choice?.choice === "manual" ? choice.value : row.moments[choice?.choice];
        return value ? deserializeDateTime(value.replace("T", " ").replace("Z", "")) : false;
    }

    onType(text) {
        let value = text;
        if (this.props.row.kind === "number") {
            try {
                value = String(parseFloat(text));
            } catch {
                // The server says what is wrong with it.
            }
        }
        this.props.onChoose({ choice: "manual", value, text });
    }

    onPick(moment) {
        const value = moment ? serializeDateTime(moment) : "";
        this.props.onChoose({ choice: "manual", value, text: value });
    }

    /**
     * Left and right take the side that is shown there, up and down go to another field.
     */
    onKeydown(ev) {
        if (!ev.target.matches("input[type=radio]") || ev.altKey || ev.ctrlKey) {
            return;
        }
        const sides = ["odoo", "pharmacy"];
        const [left, right] = localization.direction === "rtl" ? sides.reverse() : sides;
        const side = { ArrowLeft: left, ArrowRight: right }[ev.key];
        const step = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[
            ev.key
        ];
        if (side) {
            this.props.onChoose({ choice: side });
            ev.currentTarget.querySelector(`input[value=${side}]`).focus();
            ev.preventDefault();
        } else if (step) {
            let row = ev.currentTarget[step];
            while (row && !row.querySelector("input[type=radio]")) {
                row = row[step];
            }
            row?.querySelector(`input[value=${ev.target.value}]`).focus();
            ev.preventDefault();
        }
    }
}
