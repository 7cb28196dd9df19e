import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

// Milliseconds for which the button is there: two minutes, as long as it is of use.
const DELAY = 120000;

/** Says what was done with records, with a button that undoes it. */
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
    const close = notification.add(params.message, {
        type: "success",
        autocloseDelay: DELAY,
        buttons: [{ name: _t("Undo"), onClick: undo, primary: true }],
    });
    return params.next;
}

registry.category("actions").add("pharmacy_sync.undo", offerUndo);
