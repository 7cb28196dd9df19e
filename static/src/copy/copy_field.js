import { onMounted } from "@odoo/owl";
import { CopyButton } from "@web/core/copy_button/copy_button";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import {
    CopyClipboardCharField,
    copyClipboardCharField,
    CopyClipboardURLField,
    copyClipboardURLField,
} from "@web/views/fields/copy_clipboard/copy_clipboard_field";

/** Odoo's button has a picture only: who does not see it hears what it does. */
class NamedCopyButton extends CopyButton {
    setup() {
        super.setup();
        onMounted(() => {
            this.button.el.setAttribute("aria-label", _t("Copy"));
            this.button.el.setAttribute("title", _t("Copy"));
        });
    }
}

class CopyField extends CopyClipboardCharField {
    static components = { ...CopyClipboardCharField.components, CopyButton: NamedCopyButton };
}

class CopyUrlField extends CopyClipboardURLField {
    static components = { ...CopyClipboardURLField.components, CopyButton: NamedCopyButton };
}

const fields = registry.category("fields");
// They look as Odoo's do.
fields.add("sync_copy", {
    ...copyClipboardCharField,
    component: CopyField,
    additionalClasses: ["o_field_CopyClipboardChar"],
});
fields.add("sync_copy_url", {
    ...copyClipboardURLField,
    component: CopyUrlField,
    additionalClasses: ["o_field_CopyClipboardURL"],
});
