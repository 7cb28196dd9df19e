from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import LazyTranslate

from ....core.backend.naming import ENVELOPE, KEY, Kind, Name
from ....core.backend.naming_text import parse_path, parse_value, parse_values
from ....core.conflict.merge import KEYED
from ....core.exceptions import InvalidDataError

_lt = LazyTranslate(__name__)
# What every record has beside the fields of its entity, and every line.
AROUND = {
    "id": _lt("Id"),
    "version": _lt("Version"),
    "external_ref": _lt("Odoo's key"),
    "updated_at": _lt("Time of the latest change"),
    "deleted": _lt("Deleted"),
}
LINE_KEY = _lt("Key")


class SyncFieldName(models.Model):
    """Where an app has one field that is elsewhere than the contract says, or is said
    otherwise. After a change all is read once more."""

    _name = "sync.field.name"
    _inherit = ["sync.by_field"]
    _description = "Name of a Field at the Pharmacy"

    path = fields.Char(
        "At the Pharmacy",
        help="Name of the field in the app's records; of one within another object "
        "both names with a dot between, such as vendor.id. For a field of a line, "
        "the name within the line. Empty: as in the contract.",
    )
    kind = fields.Selection(
        [
            (str(Kind.SAME), "As it is"),
            (str(Kind.NUMBER), "A number there, a text here"),
            (str(Kind.MOMENT), "The time of the latest change"),
            (str(Kind.SAID), "Whether the app says anything there"),
            (str(Kind.NONE), "The app has none"),
        ],
        "Read As",
        default=str(Kind.SAME),
        required=True,
        help="Ids and amounts are texts here; of an app that has numbers they are read "
        "as texts, and sent as numbers. An app that counts no versions has the time of "
        "the latest change in their place. One that says when it deleted a record says "
        "by it that it did. What the app has none of does not travel.",
    )
    values = fields.Text(
        help="The app's value = the value here, one pair a line, such as "
        "20 = approved. "
        'Numbers, true, false and null are meant as such; in quotes ("20") they are '
        "texts. What is in no pair stays as it is.",
    )
    fallback = fields.Char(
        "If Absent",
        help="The value here where the app says nothing.",
    )

    _field_uniq = models.Constraint(
        "UNIQUE(stream_id, field)", "A field has one name in a stream."
    )

    @api.model_create_multi
    def create(self, vals_list):
        streams = self.env["sync.stream"].browse(v.get("stream_id") for v in vals_list)
        with streams._naming_anew():
            return super().create(vals_list)

    def write(self, vals):
        streams = self.stream_id | self.stream_id.browse(vals.get("stream_id") or [])
        with streams._naming_anew():
            return super().write(vals)

    def unlink(self):
        with self.stream_id._naming_anew():
            return super().unlink()

    @api.model
    def _select_path(self):
        return [
            *super()._select_path(),
            *((name, self.env._(title)) for name, title in AROUND.items()),
            *(
                (f"{name}.{KEY}", self.env._("Line: %s", self.env._(LINE_KEY)))
                for name in KEYED
            ),
            *((name, self.env._("Lines")) for name in KEYED),
        ]

    @api.constrains("field", "stream_id")
    def _check_field(self):
        around = {*ENVELOPE, *KEYED, *(f"{name}.{KEY}" for name in KEYED)}
        return super(
            SyncFieldName, self.filtered(lambda name: name.field not in around)
        )._check_field()

    @api.constrains("field", "path", "kind", "values", "fallback")
    def _check_name(self):
        for name in self:
            if name.kind == str(Kind.MOMENT) and name.field != "version":
                raise ValidationError(
                    self.env._("Only a version is read as the time of a change.")
                )
            if name.kind == str(Kind.SAID) and name.field != "deleted":
                raise ValidationError(
                    self.env._("Only a deletion is read by what is said there.")
                )
            try:
                name._as_name()
            except InvalidDataError as exc:
                raise ValidationError(
                    self.env._("%(field)s: %(why)s", field=name.field, why=exc.message)
                ) from exc
        self.stream_id._check_naming()

    def _as_name(self):
        """The row as a :class:`....core.backend.naming.Name`.

        :raises InvalidDataError: its path or its values cannot be read
        """
        self.ensure_one()
        if self.kind == Kind.NONE:
            return Name()
        return Name(
            parse_path(self.path or "")
            or self.stream_id._further_path(self.field)
            or (self.field.rpartition(".")[2],),
            Kind(self.kind),
            parse_values(self.values or ""),
            parse_value(self.fallback) if self.fallback else None,
        )
