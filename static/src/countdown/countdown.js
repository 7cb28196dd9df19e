import { Component, onWillUnmount, useState } from "@odoo/owl";
import { formatDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** How long it is until `until` (a luxon DateTime), second by second. */
export class Countdown extends Component {
    static template = "pharmacy_sync.Countdown";
    static props = { until: Object };

    setup() {
        this.state = useState({ now: Date.now() });
        const timer = setInterval(() => (this.state.now = Date.now()), 1000);
        onWillUnmount(() => clearInterval(timer));
    }

    get moment() {
        return formatDateTime(this.props.until);
    }

    get text() {
        const seconds = Math.ceil((this.props.until.toMillis() - this.state.now) / 1000);
        if (seconds <= 0) {
            return _t("due");
        }
        const minutes = Math.floor(seconds / 60);
        return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
    }
}

/** A datetime field as a countdown. */
export class CountdownField extends Component {
    static template = "pharmacy_sync.CountdownField";
    static components = { Countdown };
    static props = { ...standardFieldProps };

    get until() {
        return this.props.record.data[this.props.name];
    }
}

registry.category("fields").add("sync_countdown", {
    component: CountdownField,
    displayName: _t("Countdown"),
    supportedTypes: ["datetime"],
});
