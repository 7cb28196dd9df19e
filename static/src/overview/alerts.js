import { Component } from "@odoo/owl";
import { deserializeDateTime, formatDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { formatInteger } from "@web/views/fields/formatters";

const COLOURS = { low: "info", medium: "warning", high: "danger", critical: "danger" };

/** The latest open alerts, each opening; says so when there is none. */
export class Alerts extends Component {
    static template = "pharmacy_sync.Overview.Alerts";
    static props = {
        alerts: Object,
        onOpen: Function, // called with a link, as the overview's data has them
        onRecord: Function, // called with a model and an id
    };

    colour(severity) {
        return COLOURS[severity];
    }

    /** Where, since when, how often, with what, and who looks after it. */
    note({ backend, since, count, parts, acknowledged_by }) {
        return [
            backend,
            _t("since %s", formatDateTime(deserializeDateTime(since))),
            count > 1 && _t("%s times", formatInteger(count)),
            parts && _t("related alerts: %s", formatInteger(parts)),
            acknowledged_by && _t("acknowledged by %s", acknowledged_by),
        ]
            .filter(Boolean)
            .join(", ");
    }
}
