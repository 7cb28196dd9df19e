"""What failed changes have in common, and its correction in all of them."""

from dataclasses import dataclass

from odoo import models
from odoo.exceptions import AccessError, UserError

from ...core.check.field_path import generic, named
from ...core.exceptions import DependencyMissingError, InvalidDataError
from ..base.alone import alone

# What says that a value cannot be this.
OF_A_VALUE = (InvalidDataError, DependencyMissingError, UserError)


@dataclass
class Value:
    """A value that several changes carry in the same field.

    :ivar stream: of the changes that carry it
    :ivar name: the field, without the number of a line: ``lines[].quantity``
    :ivar places: ``{operation id: paths}``, where it is
    :ivar failing: whether an error names the field
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
        """What these carry, each different value of a field once; the fields that the
        errors name come first.

        :return: a list of :class:`Value`
        """
        failing, found = set(map(generic, self._failing_paths())), {}
        for operation in self:
            stream = operation.stream_id
            adapter = stream._adapter()
            for path, __, value in operation._editable_if_any():
                name = generic(path)
                key = stream, name, type(value), str(value)
                if key not in found:
                    title = adapter._field_title(name)
                    found[key] = Value(stream, name, title, value, {}, name in failing)
                found[key].places.setdefault(operation.id, []).append(path)
        return sorted(found.values(), key=lambda value: not value.failing)

    def _editable_if_any(self):
        """What can be corrected, see :meth:`_editable`; empty if nothing can."""
        try:
            return self._editable()
        except UserError:
            return []

    def _failing_paths(self):
        """The fields that the latest errors of these name, with their lines if they
        name one."""
        paths = set()
        for operation in self:
            error = operation.sudo().error_ids.sorted("id")[-1:]
            said = named(error.message or "")
            path = (error.context or {}).get("field") or (said and said.path)
            if path:
                paths.add(path)
        return paths

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
