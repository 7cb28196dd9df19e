import { onMounted, onWillUnmount } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { formView } from "@web/views/form/form_view";

// Milliseconds between two looks at work that is under way.
const INTERVAL = 2000;

/**
 * A form of long work (a model that inherits sync.progress) that shows how it goes on:
 * while its state is running the record is read again every two seconds, unless the
 * page is hidden or something on it was changed.
 */
export class SyncProgressFormController extends formView.Controller {
    setup() {
        super.setup();
        let timer;
        onMounted(() => {
            timer = setInterval(() => this.refresh(), INTERVAL);
        });
        onWillUnmount(() => clearInterval(timer));
    }

    async refresh() {
        const record = this.model.root;
        if (this.refreshing || document.hidden || record.data.state !== "running") {
            return;
        }
        this.refreshing = true;
        try {
            if (!(await record.isDirty())) {
                await record.load();
            }
        } finally {
            this.refreshing = false;
        }
    }
}

export const syncProgressForm = { ...formView, Controller: SyncProgressFormController };

registry.category("views").add("sync_progress_form", syncProgressForm);
