import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

// Milliseconds for which the button is there: two minutes, as long as it is of use.
const DELAY = 120000;

// Closes the notice of the latest of many that one person does one after the other.
let closeLatest = () => {};

/**
 * Says what was done with records, with a button that undoes it. A notice that replaces
 * the one before leaves the page free for those who do one after the other.
 */
function offerUndo(env, { params }) {
    const { notification, action, orm } = env.services;
    const undo = async () => {
        close();
        const result = await orm.call(params.model, params.method, [params.ids]);
        if (result && result.type) {
            await action.doAction(result);
        }
        await action.doAction({ type: "ir.actions.client", tag: "soft_reload" });
    };
    if (params.replaces) {
        closeLatest();
    }
    const close = notification.add(params.message, {
        type: "success",
        autocloseDelay: DELAY,
        buttons: [{ name: _t("Undo"), onClick: undo, primary: true }],
    });
    if (params.replaces) {
        closeLatest = close;
    }
    return params.next;
}

registry.category("actions").add("pharmacy_sync.undo", offerUndo);
