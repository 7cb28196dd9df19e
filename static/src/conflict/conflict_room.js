import { Component, onWillStart, onWillUpdateProps, useEffect, useRef, useState } from "@odoo/owl";

import { useHotkey } from "@web/core/hotkeys/hotkey_hook";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

import { ConflictRow } from "./conflict_row";

const TYPING = 250; // ms after the last key until the preview follows

/** Says what was decided, with a button that undoes it. */
const undoAction = (id, message) => ({
    type: "ir.actions.client",
    tag: "pharmacy_sync.undo",
    params: {
        model: "sync.conflict",
        ids: [id],
        method: "action_undo",
        message,
        replaces: true,
    },
});

/** Where a person resolves a conflict: field by field, or for a whole side at once. */
export class ConflictRoom extends Component {
    static template = "pharmacy_sync.ConflictRoom";
    static components = { ConflictRow };
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.notification = useService("notification");
        this.root = useRef("root");
        this.keepLast = new KeepLast();
        this.previewSoon = useDebounced(() => this.preview(), TYPING);
        this.state = useState({ room: null, notice: null, busy: false });
        useHotkey("control+enter", () => this.apply(), { bypassEditableProtection: true });
        onWillStart(() => this.show(this.props.record.resId));
        // A page is drawn more than once while a conflict is under way: it is asked for
        // once, or the second answer would take back what was chosen after the first.
        onWillUpdateProps(({ record }) => {
            if (record.resId !== this.asked) {
                this.state.notice = null;
                this.arrival = this.show(record.resId);
            }
            return this.arrival;
        });
        // The keys work at once.
        useEffect(
            () => this.root.el?.querySelector("input[type=radio]")?.focus(),
            () => [this.state.id]
        );
    }

    show(id) {
        this.asked = id;
        return this.load(id);
    }

    async load(id) {
        const room = id && (await this.orm.call("sync.conflict", "compare", [[id]]));
        if (id !== this.asked) {
            return;
        }
        Object.assign(this.state, { id, room, choices: {}, preview: null, reason: "" });
    }

    get undecided() {
        return this.state.room.rows.filter((row) => !row.decided);
    }

    /** Rows with the line they belong to named once, above its first field. */
    get rows() {
        let last = false;
        return this.state.room.rows.map((row) => {
            const heading = row.group !== last && row.group;
            last = row.group;
            return { row, heading };
        });
    }

    get chosenCount() {
        return Object.keys(this.state.choices).length;
    }

    get isOpen() {
        return this.state.room.state === "open";
    }

    get canApply() {
        const { room, preview, busy } = this.state;
        const errors = Object.keys(preview?.errors || {}).length;
        const decided = this.chosenCount || !this.undecided.length;
        return room && this.isOpen && decided && !errors && !busy;
    }

    choose(row, choice) {
        this.state.choices[row.path] = choice;
        if (choice.choice === "manual") {
            this.previewSoon();
        } else {
            this.preview();
        }
    }

    chooseAll(choice) {
        for (const row of this.undecided) {
            this.state.choices[row.path] = { choice };
        }
        this.preview();
    }

    async preview() {
        const { id, choices } = this.state;
        const preview = await this.keepLast.add(
            this.orm.silent.call("sync.conflict", "preview", [[id]], { choices })
        );
        if (this.state.id === id) {
            this.state.preview = preview;
        }
    }

    async apply() {
        if (!this.canApply) {
            return;
        }
        const { id, choices, reason } = this.state;
        this.state.busy = true;
        let answer;
        try {
            answer = await this.orm.call("sync.conflict", "resolve", [[id]], {
                choices,
                fingerprint: this.state.room.fingerprint,
                reason: reason || false,
                undoable: true,
            });
        } finally {
            this.state.busy = false;
        }
        if (answer.outcome === "resolved") {
            await this.next(answer);
        } else {
            this.state.notice = answer.message || _t("Applied. The other fields are still open.");
            await this.reload();
        }
    }

    async reload() {
        await this.load(this.state.id);
        await this.props.record.load();
    }

    /** Go to the next open conflict: of the list this one was opened from, or of all. */
    async next(resolved = false) {
        const decided = this.state.id;
        const { model, resIds } = this.props.record;
        const { id, left } = await this.orm.call("sync.conflict", "next_open", [], {
            after: this.state.id,
            among: resIds || [],
        });
        if (resolved) {
            const name = this.props.record.data.display_name;
            const rest = id ? _t("%s left.", left) : _t("No conflict is left.");
            const message = _t("%(name)s is resolved. %(rest)s", { name, rest });
            if (resolved.undoable) {
                await this.action.doAction(undoAction(decided, message));
            } else {
                this.notification.add(message, { type: "success" });
            }
        }
        if (id) {
            const among = resIds?.includes(id) ? resIds : [...(resIds || []), id];
            await model.load({ resId: id, resIds: among });
        } else {
            if (!resolved) {
                this.notification.add(_t("There is no other open conflict."), { type: "info" });
            }
            await this.reload();
        }
    }
}

registry.category("view_widgets").add("sync_conflict_room", {
    component: ConflictRoom,
    fieldDependencies: [{ name: "display_name", type: "char" }],
});
