import {Component} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const STEPS = {
    done: ["text-bg-success", "fa-check"],
    running: ["text-bg-info", "fa-cog"],
    failed: ["text-bg-danger", "fa-times"],
    pending: ["text-bg-secondary", "fa-clock-o"],
};
const COMPENSATIONS = {
    done: ["text-bg-warning", "fa-undo"],
    registered: ["text-bg-info", "fa-shield"],
    failed: ["text-bg-danger", "fa-exclamation-triangle"],
    none: ["text-bg-secondary", "fa-minus"],
};

/** The steps of a saga as a row, and beneath each what takes it back. */
export class SagaPicture extends Component {
    static template = "pharmacy_sync.SagaPicture";
    static props = {...standardFieldProps};

    get steps() {
        const steps = this.props.record.data[this.props.name] || [];
        return steps.map((step) => ({
            ...step,
            colour: STEPS[step.state][0],
            icon: STEPS[step.state][1],
            undoColour: COMPENSATIONS[step.compensation][0],
            undoIcon: COMPENSATIONS[step.compensation][1],
        }));
    }
}

registry.category("fields").add("saga_picture", {
    component: SagaPicture,
    supportedTypes: ["json"],
});
