"""A value that a person corrects: written, or chosen where only some values can be."""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.check.payload import canonical_datetime
from ...core.exceptions import InvalidDataError
from ...entities.converters import moment_text
from ...entities.directory import UNMAPPED, Directory
from ...entities.links import Link, Reference, load


class SyncOperationValue(models.AbstractModel):
    """One value of failed changes, as a line of a dialog that corrects it.

    What refers to a record, or is one of few values, is chosen by what people call it;
    :attr:`value` holds what travels for it.
    """

    _name = "sync.operation.value"
    _inherit = ["sync.bounded"]
    _description = "Value of a Failed Change"

    stream_id = fields.Many2one("sync.stream")
    path = fields.Char(required=True)
    label = fields.Char("Field")
    failing = fields.Boolean("Named by the Error")
    mark = fields.Char("Error", compute="_compute_mark")
    former = fields.Char("Technical Value", help="As it travels.")
    shown = fields.Char("Now")
    kind = fields.Selection(
        [
            ("text", "Text"),
            ("choice", "Choice"),
            ("link", "Record"),
            ("moment", "Time"),
        ],
        compute="_compute_kind",
    )
    res_model = fields.Char(compute="_compute_kind")
    domain = fields.Json(compute="_compute_kind")
    choices = fields.Json(compute="_compute_kind")
    res_id = fields.Many2oneReference("Record", model_field="res_model")
    picked = fields.Char("Name of the Record")
    moment = fields.Datetime("Time")
    value = fields.Char("Corrected")

    @api.depends("failing")
    @api.depends_context("lang")
    def _compute_mark(self):
        for line in self:
            line.mark = line.failing and self.env._("Refused")

    @api.depends("stream_id", "path")
    @api.depends_context("lang")
    def _compute_kind(self):
        for line in self:
            converter, model = line._converter()
            line.kind, line.res_model = _kind(converter), False
            line.domain, line.choices = [], []
            if line.kind == "choice":
                options = converter.options(model).items()
                line.choices = [[as_typed(value), name] for value, name in options]
            elif line.kind == "link":
                line.res_model = converter.chosen_from(model)
                line.domain = line._choosable(converter)

    @api.onchange("res_id")
    def _onchange_res_id(self):
        if self.kind != "link":
            return
        converter, __ = self._converter()
        target = self.env[self.res_model].browse(self.res_id or ())
        directory = Directory(self.stream_id.backend_id)
        value = converter.value_of(target, directory)
        if value and value.startswith(UNMAPPED):
            raise UserError(
                self.env._(
                    "%s is not at the pharmacy yet, or several records go by its code. "
                    "Choose another.",
                    target.display_name,
                )
            )
        self.value = value
        self.picked = target.display_name if target else False

    @api.onchange("moment")
    def _onchange_moment(self):
        if self.kind == "moment":
            self.value = canonical_datetime(self.moment) if self.moment else ""

    def _value_shown(self):
        """The corrected value as people read it."""
        if self.kind == "link":
            return self.picked or self.value
        if self.kind == "moment":
            return moment_text(self.env, self.moment) if self.moment else self.value
        return dict(self.choices or ()).get(self.value, self.value)

    def _converter(self):
        """The converter of the value and the Odoo model of its field, or two None."""
        if not self.stream_id or not self.path:
            return None, None
        return self.stream_id._adapter()._find_converter(self.path)

    def _choosable(self, converter):
        """The domain of the records that the value may refer to."""
        if not isinstance(converter, Reference):
            return []
        other = self.env["sync.entity"]._entities()[converter.entity]
        return list(other._domain(self.stream_id.backend_id))

    @api.model
    def _lines_for(self, stream, values):
        """What lines say of values besides where they are.

        :param values: pairs of a path and the value as it travels
        :return: a list of dicts, in the same order
        """
        directory = Directory(stream.backend_id)
        adapter = stream._adapter()
        found = [(*adapter._find_converter(path), value) for path, value in values]
        load(found, directory)
        lines = [
            {"stream_id": stream.id, **_described(*each, directory)} for each in found
        ]
        for line, (converter, model, __) in zip(lines, found, strict=True):
            if line.get("res_id"):
                target = self.env[converter.chosen_from(model)].browse(line["res_id"])
                target = target.exists()._filtered_access("read")
                name = target.display_name
                line.update(res_id=target.id, picked=name, shown=name or line["shown"])
        return lines


def _described(converter, model, value, directory):
    """What a line shows of a value, and what is chosen in it."""
    text = as_typed(value)
    line = {"former": text, "shown": text}
    if not converter:
        return line
    try:
        value = converter.canonical(value, directory)
    except InvalidDataError:
        # What is no value is shown as it is.
        return line
    if isinstance(converter, Link):
        return {**line, "res_id": converter.find(value, directory)}
    if converter.kind == "moment":
        line["moment"] = converter.to_odoo(value, directory)
    return {**line, "shown": converter.to_text(value, model, directory)}


def as_typed(value):
    """A value as a person writes it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kind(converter):
    if isinstance(converter, Link):
        return "link"
    kinds = {"choice": "choice", "flag": "choice", "moment": "moment"}
    return kinds.get(converter and converter.kind, "text")
