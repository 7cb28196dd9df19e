import { Component, onWillStart, onWillUnmount, useExternalListener, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { useDropdownState } from "@web/core/dropdown/dropdown_hooks";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { ICONS, Standing } from "./standing";

const REFRESH = 60000; // milliseconds
const LEVELS = ["success", "info", "warning", "danger"];

/** How synchronisation stands, for those who work elsewhere in Odoo. It asks once a
 * minute at the most, and only on a page that somebody looks at. */
export class StandingMenu extends Component {
    static template = "pharmacy_sync.StandingMenu";
    static components = { Dropdown, Standing };
    static props = {};

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.dropdown = useDropdownState();
        this.state = useState({ standings: [] });
        this.at = 0;
        onWillStart(async () => {
            this.mine = await user.hasGroup("pharmacy_sync.group_user");
            // The page does not wait for it.
            this.refresh();
        });
        const timer = browser.setInterval(() => this.refresh(), REFRESH);
        onWillUnmount(() => browser.clearInterval(timer));
        useExternalListener(document, "visibilitychange", () => this.refresh());
    }

    async load() {
        this.at = Date.now();
        this.state.standings = await this.orm.silent.call("sync.overview", "standings", []);
    }

    async refresh() {
        const seen = document.visibilityState === "visible";
        if (!this.mine || !seen || Date.now() - this.at < REFRESH - 1000) {
            return;
        }
        try {
            await this.load();
        } catch {
            // What was last heard stays until the next minute.
        }
    }

    get worst() {
        const rank = (standing) => LEVELS.indexOf(standing.level);
        return this.state.standings.reduce((a, b) => (rank(b) > rank(a) ? b : a));
    }

    get icon() {
        return ICONS[this.worst.level];
    }

    /** How much this person may do something about; else whether anything is wrong. */
    get mark() {
        const count = this.state.standings.reduce((sum, s) => sum + s.decide + s.failed, 0);
        return count || (this.worst.level === "danger" ? "!" : "");
    }

    get summary() {
        return _t("%(pharmacy)s: %(text)s", {
            pharmacy: this.worst.name,
            text: this.worst.text,
        });
    }

    openOverview() {
        this.dropdown.close();
        return this.action.doAction("pharmacy_sync.action_sync_overview");
    }
}

registry
    .category("systray")
    .add("pharmacy_sync.standing", { Component: StandingMenu }, { sequence: 30 });
