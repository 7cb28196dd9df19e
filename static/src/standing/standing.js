import { Component } from "@odoo/owl";
import { useService } from "@web/core/utils/hooks";

export const ICONS = {
    success: "fa-check-circle",
    info: "fa-refresh",
    warning: "fa-exclamation-circle",
    danger: "fa-exclamation-triangle",
};

/** How one pharmacy stands, in a sentence, with the buttons that act on it. */
export class Standing extends Component {
    static template = "pharmacy_sync.Standing";
    static props = {
        standing: Object, // as the method `standings` of sync.overview has them
        onDone: { type: Function, optional: true }, // called when a button was pressed
    };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
    }

    get icon() {
        return ICONS[this.props.standing.level];
    }

    /** The list with what waits for a decision, or has failed, at this pharmacy. */
    async open(name) {
        const { id } = this.props.standing;
        const action = await this.action.loadAction(`pharmacy_sync.action_sync_${name}`);
        const context = { search_default_backend_id: id };
        context[name === "conflict" ? "search_default_open" : "search_default_dead"] = 1;
        await this.action.doAction({ ...action, context });
        this.props.onDone?.();
    }

    async tryNow() {
        const { id } = this.props.standing;
        const action = await this.orm.call("sync.backend", "action_try_now", [[id]]);
        await this.action.doAction(action);
        this.props.onDone?.();
    }
}
