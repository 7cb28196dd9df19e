import { useEffect } from "@odoo/owl";

import { patch } from "@web/core/utils/patch";
import { FormController } from "@web/views/form/form_controller";

const MARK = "o_sync_refused";

/** The place of a value in a form; of a line's, in the row of that line. */
function place(root, record, { field, lines, line_id }) {
    if (!lines) {
        return root.querySelector(`.o_field_widget[name='${field}']`);
    }
    const line = record.data[lines]?.records.find(({ resId }) => resId === line_id);
    const row = line && root.querySelector(`.o_data_row[data-id='${line.id}']`);
    return row?.querySelector(`td[name='${field}']`);
}

/** A record that is opened from a failed change has the value marked that was refused. */
patch(FormController.prototype, {
    setup() {
        super.setup();
        const refused = this.props.context?.sync_refused;
        if (refused) {
            useEffect(() => {
                const { root } = this.model;
                const found = place(this.rootRef.el, root, refused);
                if (!found || found.classList.contains(MARK)) {
                    return;
                }
                found.classList.add(MARK);
                found.title = refused.why;
                found.scrollIntoView({ block: "center" });
            });
        }
    },
});
