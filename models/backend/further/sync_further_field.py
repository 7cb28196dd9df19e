import re

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ....core.backend.naming_text import parse_path
from ....core.exchange.directions import TAKEN, Direction
from ....core.secrets.secret_names import secret_name, with_names
from ....entities.further import TYPES, Further

# Of where the app has it: the names, with dots between.
PATH = re.compile(r"[A-Za-z0-9_-]{1,60}(?:\.[A-Za-z0-9_-]{1,60}){0,4}")
# Records with such a field belong to a company, or are one.
OF_COMPANIES = {"company_id", "company_ids"}


class SyncFurtherField(models.Model):
    """A field that a stream carries beside those of its entity: one that only Odoo can
    say, offered where the addon that knows it is there, or any field of Odoo's."""

    _name = "sync.further.field"
    _inherit = ["sync.bounded", "sync.ormcached"]
    _description = "Further Field of a Stream"
    _order = "field"
    _rec_name = "field"

    stream_id = fields.Many2one(
        "sync.stream", required=True, ondelete="cascade", index=True
    )
    res_model = fields.Char(related="stream_id.res_model")
    offered = fields.Selection(
        "_select_offered",
        "What Odoo Knows",
        help="What only Odoo can say, such as how much of a line has been received. It "
        "is sent, and never taken over.",
    )
    odoo_field = fields.Char(
        "Field of Odoo",
        help="Any other field of the record, or of its lines. Of a link to another "
        "record the field that the other is known by, such as its name, a dot between.",
    )
    path = fields.Char(
        "At the Pharmacy",
        help="Name of the field in the app's records; of one within another object "
        "both names with a dot between. For a field of a line, the name within the "
        "line. Empty: as Odoo calls it.",
    )
    direction = fields.Selection(
        [
            (str(Direction.PUSH), "Only to the pharmacy"),
            (str(Direction.PULL), "Only to Odoo"),
            (str(Direction.BOTH), "Both ways"),
        ],
        required=True,
        default=str(Direction.PUSH),
    )
    field = fields.Char(
        compute="_compute_field",
        store=True,
        precompute=True,
        readonly=False,
        help="What the field is called among the others of the stream.",
    )

    _field_uniq = models.Constraint(
        "UNIQUE(stream_id, field)", "A stream carries a field of one name once."
    )

    @api.model
    def _select_offered(self):
        found = {}
        for adapter in self.env["sync.entity"]._entities().values():
            for path in adapter._offered_by_path():
                title = adapter._offered_title(path)
                line = self.env._("Line: %s", title)
                found[path] = line if "." in path else title
        return sorted(found.items(), key=lambda option: option[1])

    @api.depends("offered", "odoo_field", "path", "stream_id.entity")
    def _compute_field(self):
        for further in self:
            further.field = further._expected_field()

    def _expected_field(self):
        """The generic path under which the field is known."""
        if self.offered or not (self.odoo_field and self.stream_id.entity):
            return self.offered
        in_line, name, __ = self._place()
        called = (self.path or "").strip().replace(".", "_") or name
        return f"lines.{called}" if in_line else called

    def _place(self):
        """Where Odoo has it: whether in a line, the field, and of a link the field that
        the other record is known by."""
        way = self.odoo_field.split(".")
        in_line = way[0] == self.stream_id._adapter()._entity_lines
        way = way[1:] if in_line else way
        return in_line, ".".join(way[:1]), ".".join(way[1:])

    @api.onchange("offered")
    def _onchange_offered(self):
        if self.offered:
            self.odoo_field = False
            self.direction = str(Direction.PUSH)

    @api.onchange("odoo_field")
    def _onchange_odoo_field(self):
        if self.odoo_field:
            self.offered = False

    @api.model_create_multi
    def create(self, vals_list):
        streams = self.env["sync.stream"].browse(v.get("stream_id") for v in vals_list)
        with streams._carrying_anew():
            return super().create(vals_list)

    def write(self, vals):
        # Odoo asks nobody's leave to write nothing: a stream that is only named is left
        # alone.
        if not self:
            return super().write(vals)
        streams = self.stream_id | self.stream_id.browse(vals.get("stream_id") or [])
        with streams._carrying_anew():
            return super().write(vals)

    def unlink(self):
        with self.stream_id._carrying_anew():
            return super().unlink()

    @api.model
    @tools.ormcache("entity")
    def _carried(self, entity):
        """What streams of an entity carry beside its own fields, a tuple of
        :class:`....entities.further.Further`."""
        every = self.sudo().with_context(active_test=False)
        return tuple(
            each._as_further()
            for each in every.search([("stream_id.entity", "=", entity)], order="id")
        )

    def _as_further(self):
        __, name, by = self._place() if self.odoo_field else (False, "", "")
        return Further(
            self.stream_id.backend_id.id,
            self.field,
            name,
            by,
            self.direction in TAKEN,
            bool(self.offered),
        )

    def _path_at_app(self):
        """Where the app has it, a :data:`....core.backend.naming_text.Path`; empty: by
        its own name."""
        return parse_path(self.path or "")

    # -- What may travel --------------------------------------------------------------

    @api.constrains("offered", "odoo_field", "path", "direction", "field", "stream_id")
    def _check_further(self):
        for further in self:
            refusal = further._refusal() or further._refusal_of_name()
            if refusal:
                raise ValidationError(refusal)

    def _refusal(self):
        """Why the field cannot travel so, for people; None: it can."""
        if bool(self.offered) == bool(self.odoo_field):
            return self.env._(
                "Choose either something that Odoo knows, or a field of Odoo."
            )
        if self.offered:
            return self._refusal_of_offered()
        adapter = self.stream_id._adapter()
        in_line, name, by = self._place()
        model = adapter._line_model() if in_line else self.env[adapter._entity_model]
        field = model._fields.get(name)
        if field is None:
            return self.env._(
                "%(model)s has no field %(field)s.",
                model=model._description,
                field=self.odoo_field,
            )
        return (
            self._refusal_of_type(field, by)
            or self._refusal_of_secret(model, field, by)
            or self._refusal_of_change(field)
        )

    def _refusal_of_offered(self):
        if self.offered not in self.stream_id._adapter()._offered_by_path():
            return self.env._(
                "%(stream)s have no %(field)s.",
                stream=self.stream_id.display_name,
                field=self.offered,
            )
        if self.direction != Direction.PUSH:
            return self.env._("Only Odoo can say that: it goes to the pharmacy only.")
        return None

    def _refusal_of_type(self, field, by):
        label = field._description_string(self.env)
        if field.type not in TYPES:
            return self.env._(
                "%(field)s cannot travel: it is of the type %(type)s. Texts, numbers, "
                "dates, choices, yes or no, and links to one other record can.",
                field=label,
                type=field.type,
            )
        if field.type != "many2one":
            return by and self.env._("%s is no link to another record.", label)
        known_by = self.env[field.comodel_name]._fields.get(by)
        if known_by is None or known_by.type != "char" or not known_by.store:
            return self.env._(
                "%(field)s is a link: choose a text of the other record by which both "
                "sides know it, such as %(field_name)s.name.",
                field=label,
                field_name=self.odoo_field.partition(".")[0],
            )
        return None

    def _refusal_of_secret(self, model, field, by):
        """Nothing leaves Odoo that the app's own user may not see, or that is secret by
        its name."""
        backend = self.stream_id.backend_id.sudo()
        names = with_names(backend.secret_fields or "")
        label = field._description_string(self.env)
        if any(secret_name(n, names) for n in (field.name, by, self.path or "") if n):
            return self.env._("%s is a secret by its name, and stays in Odoo.", label)
        read = [(model, field)]
        if by:
            other = self.env[field.comodel_name]
            read.append((other, other._fields[by]))
        for record, each in read:
            user = backend.user_id
            may = user and record.with_user(user)._has_field_access(each, "read")
            if each.groups and not may:
                return self.env._(
                    "%(field)s is for certain groups only, to which the user of the "
                    "pharmacy app does not belong.",
                    field=each._description_string(self.env),
                )
        return None

    def _refusal_of_change(self, field):
        """Whether a change of it is seen, and may come from the pharmacy."""
        label = field._description_string(self.env)
        # What a variant has of its template is the template's.
        field = field.base_field
        if not field.store:
            return self.env._(
                "%s is computed when somebody looks, and not stored: Odoo cannot see "
                "when it changes.",
                label,
            )
        if field.name in models.MAGIC_COLUMNS or field.name.startswith("sync_"):
            return self.env._("%s changes with each write, by itself.", label)
        if self.direction not in TAKEN:
            return None
        if field.readonly:
            return self.env._(
                "%s is not entered by anybody in Odoo: it can go to the pharmacy only.",
                label,
            )
        if field.type == "many2one" and self._belongs_to_company(field):
            return self.env._(
                "%s may be another company's: it can go to the pharmacy only.", label
            )
        return None

    def _belongs_to_company(self, field):
        other = self.env[field.comodel_name]
        return other._name == "res.company" or bool(other._fields.keys() & OF_COMPANIES)

    def _refusal_of_name(self):
        """Whether the name says which field it is."""
        path = self.path and self.path.strip()
        if path and not PATH.fullmatch(path):
            return self.env._("%s is no name of a field, such as ward or lot.id.", path)
        adapter = self.stream_id._adapter()
        if self.field != self._expected_field():
            return self.env._("%s is called otherwise.", self.odoo_field)
        if self.offered:
            return None
        in_line, name, by = self._place()
        own = adapter._line_converters() if in_line else adapter._converters()
        known = {converter.field: converter for converter in own}
        called = self.field.rpartition(".")[2]
        if name in known:
            return self.env._(
                "%(field)s travels already, as %(key)s.",
                field=self.odoo_field,
                key=known[name].key,
            )
        if self.field in adapter._reserved_paths():
            return self.env._(
                "%s is the name of another field. Say how the app calls this one.",
                called,
            )
        same = self.sudo().search([("field", "=", self.field), ("id", "!=", self.id)])
        same = same.filtered(lambda f: f.stream_id.entity == self.stream_id.entity)
        if any(
            each.odoo_field and each._place() != (in_line, name, by) for each in same
        ):
            return self.env._(
                "Another stream calls another field %s. Choose another name.", called
            )
        return None
