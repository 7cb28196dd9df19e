import {Component, onMounted, onWillUnmount} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";

const SECONDS = 2;

/**
 * Reads a form's record again every two seconds while its field `state` is "running",
 * so that long work is seen to go on. A page that nobody looks at, or that somebody is
 * editing, is left alone.
 */
export class SyncRefresh extends Component {
    static template = "pharmacy_sync.SyncRefresh";
    static props = {...standardWidgetProps};

    setup() {
        onMounted(() => this.wait());
        onWillUnmount(() => browser.clearTimeout(this.timer));
    }

    get running() {
        return this.props.record.data.state === "running";
    }

    wait() {
        this.timer = browser.setTimeout(() => this.refresh(), SECONDS * 1000);
    }

    async refresh() {
        const {record} = this.props;
        try {
            if (this.running && !document.hidden && !(await record.isDirty())) {
                await record.load();
            }
        } finally {
            this.wait();
        }
    }
}

registry.category("view_widgets").add("sync_refresh", {
    component: SyncRefresh,
    fieldDependencies: [{name: "state", type: "selection"}],
});
