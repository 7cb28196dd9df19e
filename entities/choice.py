"""Selections, whose values another addon may have added to."""

from ..core.exceptions import InvalidDataError
from .converters import Converter


class Choice(Converter):
    """A selection whose values have other names on the other side.

    :param pairs: tuples of (value in Odoo, value in JSON); of several Odoo values
        with one JSON value the first is written
    """

    kind = "choice"
    free = False

    def __init__(self, key, field, pairs, required=False, title=None):
        super().__init__(key, field, required, title=title)
        self._to_json = dict(pairs)
        self._to_odoo = {theirs: ours for ours, theirs in reversed(pairs)}

    def to_json(self, record, directory):
        """:raises InvalidDataError: another addon made the value"""
        value = self.known(record[self.field])
        if value is None:
            options = dict(
                record._fields[self.field]._description_selection(record.env)
            )
            value = record[self.field]
            raise InvalidDataError(
                f"{self.key} is {options.get(value, value)!r} in Odoo ({value}), a "
                "value of another addon that the pharmacy does not know",
                field=self.key,
            )
        return value

    def known(self, value):
        """The JSON value for one of Odoo's; None for one of another addon."""
        return self._to_json.get(value)

    def canonical(self, value, directory):
        if not isinstance(value, str) or value not in self._to_odoo:
            raise InvalidDataError(
                f"{self.key} must be one of {', '.join(self._to_odoo)}", field=self.key
            )
        return value

    def to_odoo(self, value, directory):
        return self._to_odoo[value]

    def held(self, value, model):
        return value

    def to_text(self, value, model, directory):
        return self.options(model).get(value, value or "")

    def options(self, model):
        labels = dict(model._fields[self.field]._description_selection(model.env))
        ours = {theirs: self._to_odoo[theirs] for theirs in self._to_json.values()}
        return {theirs: labels[own] for theirs, own in ours.items() if own in labels}
