from odoo import api, models
from odoo.exceptions import ValidationError

REFERRING = ("many2one", "many2many", "reference", "many2one_reference")


class SyncBounded(models.AbstractModel):
    """A model whose records people create or change: they refer to what the person may
    read, and to nothing else, and their numbers make sense.

    Odoo asks whether a person may write a record, not whether they may read what it
    then refers to; and what a record refers to is read with all rights by related
    fields, by the names of relations, and by much of this addon.
    """

    _name = "sync.bounded"
    _description = "Refers to What Its User May Read"

    # The least and the most of a number, by field.
    _bounds = {}

    @api.model_create_multi
    def create(self, vals_list):
        # Before the database refuses them, which names no field.
        self._check_given(*vals_list)
        records = super().create(vals_list)
        records._check_bounds(self._bounds)
        records._check_referred(self._fields)
        return records

    def write(self, vals):
        self._check_given(vals)
        result = super().write(vals)
        self._check_referred(vals)
        return result

    @api.model
    def default_get(self, fields):
        # The caller sets the defaults in the context.
        values = super().default_get(fields)
        self.new(values)._check_referred(values)
        return values

    def onchange(self, values, field_names, fields_spec):
        self.new(values)._check_referred(values)
        return super().onchange(values, field_names, fields_spec)

    def _check_given(self, *vals_list):
        for vals in vals_list:
            given = {name: vals[name] for name in self._bounds if name in vals}
            if given:
                self.new(given)._check_bounds(given)

    def _check_bounds(self, names):
        """Check numbers of these records.

        :raises ValidationError: one is out of its bounds; it names the field
        """
        given = {name: self._bounds[name] for name in self._bounds if name in names}
        check_bounds(self, given)

    def _check_referred(self, names):
        """Check what fields of these records refer to.

        :raises AccessError: the user may not read it
        """
        if self.env.su:
            return
        for name in names:
            field = self._fields.get(name)
            if field and field.store and field.type in REFERRING:
                for records in self._referred(field):
                    records.check_access("read")

    def _referred(self, field):
        """What a field refers to: recordsets with the rights of the user."""
        # Without superuser rights a relation leaves out what may not be read.
        for record in self.sudo():
            value = record[field.name]
            if field.type == "many2one_reference":
                model = record[field.model_field]
                value = value and model and self.env[model].browse(value)
            if value:
                yield value._origin.with_env(self.env)


def check_bounds(records, bounds):
    """Check numbers of records.

    :param bounds: the least and the most of a number, by field
    :raises ValidationError: one is out of its bounds; it names the field
    """
    env = records.env
    for name, (least, most) in bounds.items():
        if any(not least <= record[name] <= most for record in records):
            raise ValidationError(
                env._(
                    "%(field)s must be %(least)s to %(most)s.",
                    field=records._fields[name]._description_string(env),
                    least=least,
                    most=most,
                )
            )
