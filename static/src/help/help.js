import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { patch } from "@web/core/utils/patch";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

// The paragraph of the documentation for the pages of each model.
export const PARAGRAPHS = {
    "res.config.settings": "administrator/settings#settings-and-where-they-come-from",
    "sync.alert": "operator/index#what-the-alert-says-and-what-to-press",
    "sync.alert.channel": "operator/alerts#who-is-notified-and-by-which-road",
    "sync.alert.rule": "administrator/alerts#alert-rules",
    "sync.alert.silence": "operator/alerts#who-is-notified-and-by-which-road",
    "sync.backend": "administrator/connect#odoo-calls-the-pharmacy-app",
    "sync.backend.connect": "administrator/connect#odoo-calls-the-pharmacy-app",
    "sync.breaker": "administrator/failures#breakers-and-pools",
    "sync.conflict": "buyer/conflicts#deciding-conflicts",
    "sync.conflict.rule": "administrator/conflicts#conflict-rules-and-policies",
    "sync.drift": "operator/comparing#reconciliation",
    "sync.error": "operator/failures#error-log",
    "sync.error.group": "operator/failures#errors-by-cause",
    "sync.error.rule": "administrator/failures#error-rules",
    "sync.initial": "administrator/connect#bringing-together-what-both-sides-have-already",
    "sync.log.level": "administrator/monitoring#what-the-log-says",
    "sync.mapping": "buyer/index#what-the-word-on-your-order-means",
    "sync.operation": "operator/failures#clearing-failed-changes",
    "sync.overview": "operator/overview#overview",
    "sync.pool": "administrator/failures#breakers-and-pools",
    "sync.reconciliation": "operator/comparing#reconciliation",
    "sync.recovery.run": "operator/troubleshooting#recovery",
    "sync.redrive": "operator/failures#clearing-failed-changes",
    "sync.report": "operator/overview#report",
    "sync.report.schedule": "operator/overview#report",
    "sync.retry.policy": "administrator/failures#retries",
    "sync.saga": "buyer/orders#orders-with-a-reservation",
    "sync.service": "developer/toolkit#to-guard-a-call",
    "sync.stream": "administrator/directions#which-fields-travel-which-way",
    "sync.subscription": "administrator/alerts#webhooks-to-other-programs",
    "sync.todo": "operator/failures#what-failed-and-how-to-clear-it",
};
// Of all others: what each entry of the menu shows.
const MENU = "operator/menu#the-menu-entry-by-entry";

/** A question mark that opens the paragraph about this page in a tab of its own. */
export class Help extends Component {
    static template = "pharmacy_sync.Help";
    static props = { model: String };

    get href() {
        return `/pharmacy_sync/docs/${PARAGRAPHS[this.props.model] || MENU}`;
    }
}

/** The same where a page has no bar of its own for it: in dialogs, and in settings. */
class HelpWidget extends Component {
    static template = "pharmacy_sync.HelpWidget";
    static components = { Help };
    static props = { ...standardWidgetProps };
}

registry.category("view_widgets").add("sync_help", { component: HelpWidget });

ControlPanel.components = { ...ControlPanel.components, SyncHelp: Help };

patch(ControlPanel.prototype, {
    /** The model that the page shows, if it is one of this addon's. */
    get syncHelpModel() {
        const model = this.env.searchModel?.resModel || "";
        return model.startsWith("sync.") ? model : false;
    },
});
