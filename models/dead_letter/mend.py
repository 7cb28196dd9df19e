"""What failed changes have in common, and its correction in all of them."""

from dataclasses import dataclass

from odoo import api, models
from odoo.exceptions import AccessError, UserError

from ...core.check.field_path import generic, meant
from ...core.conflict.merge import parse_path
from ...core.exceptions import DependencyMissingError, InvalidDataError
from ...core.taxonomy import Delivery
from ...core.texts import shortened
from ...entities.directory import Directory
from ...entities.links import load
from ..base.alone import alone

# What says that a value cannot be this.
OF_A_VALUE = (InvalidDataError, DependencyMissingError, UserError)
# Characters of a value that a sentence has room for.
SHOWN = 80


@dataclass
class Value:
    """A value that several changes carry in the same field.

    :ivar stream: of the changes that carry it
    :ivar name: the field, without the number of a line: ``lines[].quantity``
    :ivar places: ``{operation id: paths}``, where it is
    :ivar failing: whether it is what was refused
    """

    stream: models.BaseModel
    name: str
    title: str
    value: object
    places: dict
    failing: bool = False


class SyncOperation(models.Model):
    _inherit = "sync.operation"

    def _shared_values(self):
        """What these carry, each different value of a field once; what was refused
        comes first, then other values of the same fields.

        :return: a list of :class:`Value`
        """
        failing, found = self._failing_paths(), {}
        fields = set(map(generic, failing.values()))
        for operation in self:
            stream, editable = operation.stream_id, operation._editable_if_any()
            refused = meant(failing.get(operation), [path for path, *__ in editable])
            adapter = stream._adapter()
            for path, __, value in editable:
                name = generic(path)
                key = stream, name, type(value), str(value)
                if key not in found:
                    title = adapter._field_title(name)
                    found[key] = Value(stream, name, title, value, {})
                found[key].places.setdefault(operation.id, []).append(path)
                found[key].failing |= path in refused
        return sorted(
            found.values(), key=lambda v: (not v.failing, v.name not in fields)
        )

    def _editable_if_any(self):
        """What can be corrected, see :meth:`_editable`; empty if nothing can.

        :raises AccessError: the user may not read the Odoo record of a push
        """
        try:
            return self._editable()
        except AccessError:
            raise
        except UserError:
            return []

    def _failing_paths(self):
        """The fields that the latest errors of these name, with their lines if they
        name one: ``{operation: path}``."""
        errors = self.sudo()._latest_errors()
        paths = ((operation, errors[operation]._failing_path()) for operation in self)
        return {operation: path for operation, path in paths if path}

    def _content_of_failure(self, error):
        """What this carried when it failed; None if that is not known any more: it was
        tried again since, or corrected, or not sent yet.

        :param error: one of its errors
        """
        later = self.error_ids.filtered(lambda other: other.id > error.id)
        done = self.note_ids.filtered(lambda n: n.action in ("edited", "redriven"))
        edited = done.sorted("id")[-1:].action == "edited"
        if later or edited or not self.payload:
            return None
        if self.kind != "push":
            return self.payload
        answered = error.delivery == Delivery.ANSWERED
        return self.payload.get("data") if answered else None

    def action_open_record(self):
        """Open the Odoo record, with the value marked that was refused."""
        self.check_access("read")
        self.ensure_one()
        action = self.mapping_id.action_open_record()
        error = self.sudo().error_ids.sorted("id")[-1:]
        place = error and self.sudo()._place_in_odoo(error)
        if not place:
            return action
        why = {"why": self.happened or ""}
        return {**action, "context": {"sync_refused": {**place, **why}}}

    def _place_in_odoo(self, error):
        """Where Odoo has the value that an error names: ``{field, lines, line_id}``, of
        a value of the record ``{field}``; None if it has none there."""
        path = error._failing_path()
        adapter, record = self.stream_id._adapter(), self.mapping_id._record()
        converter = path and record and adapter._find_converter(path)[0]
        if not converter:
            return None
        name, index, __ = parse_path(path)
        if index is None:
            return {"field": converter.field}
        lines = (self._content_of_failure(error) or {}).get(name) or ()
        if not index.isdecimal() or int(index) >= len(lines):
            return None
        line = adapter._lines_of(record).get(lines[int(index)].get("key"))
        return line and {
            "field": converter.field,
            "lines": adapter._entity_lines,
            "line_id": line.id,
        }

    @api.model
    def _values_read(self, carried):
        """Values as people read them; one that is none of its kind as it came.

        :param carried: triples of an operation, the path and the value that it carries
        :return: a list of texts, in the same order
        """
        directories, links = {}, {}
        found = []
        for operation, path, value in carried:
            backend = operation.backend_id
            directory = directories.setdefault(backend, Directory(backend))
            converter, model = operation.stream_id._adapter()._find_converter(path)
            if converter:
                try:
                    value = converter.canonical(value, directory)
                except InvalidDataError:
                    # What is no value of its kind is shown as it came.
                    converter = None
            links.setdefault(directory, []).append((converter, model, value))
            found.append((backend, path, converter, model, value))
        for directory, each in links.items():
            load(each, directory)
        texts = []
        for backend, path, converter, model, value in found:
            text = str(value)
            if converter:
                text = converter.to_text(value, model, directories[backend]) or text
            texts.append(backend._shown(path, shortened(text, SHOWN)))
        return texts

    def _mend(self, corrections):
        """Correct values in all of these, each change for itself.

        :param corrections: ``[(name, former value as text, new value)]``
        :return: (those that were corrected, ``{operation: why not}``)
        """
        wanted = {(name, former): new for name, former, new in corrections}
        mended, refused = self.browse(), {}
        for operation in self:
            texts = {
                path: wanted[key]
                for path, __, value in operation._editable_if_any()
                if (key := (generic(path), str(value))) in wanted
            }
            if not texts:
                continue
            with alone(self.env) as failure:
                operation._edit(texts)
            if not failure:
                mended |= operation
                continue
            error = failure.error
            if isinstance(error, AccessError) or not isinstance(error, OF_A_VALUE):
                raise error
            refused[operation] = self.env["sync.error"]._exception_in_words(
                error, operation.stream_id
            )
        return mended, refused
