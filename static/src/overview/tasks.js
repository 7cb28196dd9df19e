import { Component } from "@odoo/owl";
import { deserializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";

/** What waits for the reader, numbered in the order in which it is best done. */
export class Tasks extends Component {
    static template = "pharmacy_sync.Overview.Tasks";
    static props = { tasks: Object };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
    }

    /** Of which pharmacy, how long it has waited, and whose it is. */
    note({ pharmacy, since, owner }) {
        return [pharmacy, deserializeDateTime(since).toRelative(), owner && _t("for %s", owner)]
            .filter(Boolean)
            .join(", ");
    }

    async open(id) {
        return this.action.doAction(await this.orm.call("sync.todo", "action_open", [[id]]));
    }

    openAll() {
        return this.action.doAction("pharmacy_sync.action_sync_todo");
    }
}
