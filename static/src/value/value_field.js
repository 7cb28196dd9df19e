import { Component } from "@odoo/owl";
import { SelectMenu } from "@web/core/select_menu/select_menu";
import { formatDateTime } from "@web/core/l10n/dates";
import { registry } from "@web/core/registry";
import { CharField, charField } from "@web/views/fields/char/char_field";
import { DateTimeField } from "@web/views/fields/datetime/datetime_field";
import { Many2One } from "@web/views/fields/many2one/many2one";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/**
 * A value as what it is: a text to write, one of few to choose, a record to find, or a
 * time to pick.
 */
export class ValueField extends Component {
    static template = "pharmacy_sync.ValueField";
    static components = { CharField, DateTimeField, Many2One, SelectMenu };
    static props = { ...standardFieldProps };

    get data() {
        return this.props.record.data;
    }

    get choices() {
        return this.data.choices.map(([value, label]) => ({ value, label }));
    }

    /** What is chosen, as people call it. */
    get text() {
        const { kind, moment, picked, value } = this.data;
        if (kind === "moment") {
            return moment ? formatDateTime(moment) : "";
        }
        if (kind === "choice") {
            return this.choices.find((choice) => choice.value === value)?.label || value;
        }
        return (kind === "link" && picked) || value;
    }

    get recordProps() {
        const { domain, label, picked, res_id, res_model } = this.data;
        return {
            canCreate: false,
            canCreateEdit: false,
            canOpen: false,
            canQuickCreate: false,
            domain: () => domain,
            id: this.props.id,
            relation: res_model,
            string: label,
            update: (found) => this.pick(found),
            value: res_id ? { id: res_id.resId, display_name: picked } : false,
        };
    }

    choose(value) {
        return this.props.record.update({ value: value ?? false });
    }

    pick(found) {
        const name = found ? found.display_name : false;
        return this.props.record.update({
            picked: name,
            res_id: found ? { resId: found.id, displayName: name } : false,
        });
    }
}

registry.category("fields").add("sync_value", {
    ...charField,
    component: ValueField,
    extractProps: () => ({}),
    fieldDependencies: [
        { name: "kind", type: "selection" },
        { name: "label", type: "char" },
        { name: "choices", type: "json" },
        { name: "domain", type: "json" },
        { name: "moment", type: "datetime" },
        { name: "picked", type: "char" },
        { name: "res_id", type: "many2one_reference" },
        { name: "res_model", type: "char" },
    ],
});
