import { Component } from "@odoo/owl";
import { deserializeDateTime, formatDateTime } from "@web/core/l10n/dates";

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

    moment(text) {
        return formatDateTime(deserializeDateTime(text));
    }
}
