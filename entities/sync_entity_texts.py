"""What people read of an entity: names of its fields, lines and events, and values."""

import json

from odoo import api, models
from odoo.tools import LazyTranslate

from ..core.check.field_path import line_number
from ..core.conflict.merge import KEYED, MISSING, parse_path

_lt = LazyTranslate(__name__)
# How the name of an event ends where the entity's file has none of its own.
HAPPENED = {
    "created": _lt("created"),
    "updated": _lt("updated"),
    "cancelled": _lt("cancelled"),
    "deleted": _lt("deleted"),
    "synced": _lt("synced"),
}


class SyncEntity(models.AbstractModel):
    _inherit = "sync.entity"

    @api.model
    def _event_title(self, kind):
        """What people call the event of a record that was created, updated, ..."""
        title = self._entity_event_titles.get(kind)
        if title:
            return self.env._(title)
        named, happened = self.env._(self._entity_title), self.env._(HAPPENED[kind])
        return f"{named}: {happened}"

    @api.model
    def _field_title(self, path):
        """What people call the field at ``notes``, ``lines[key].quantity`` or
        ``lines``; one that Odoo does not know goes by its own name."""
        name, __, field = parse_path(path)
        if name in KEYED and not field:
            return self.env._("Entire line")
        converter, model = self._find_converter(path)
        if converter:
            return converter.name(model)
        return (field or name).removesuffix("_id").replace("_", " ").capitalize()

    @api.model
    def _place_title(self, path):
        """What people call the place that an error names, such as ``notes`` or, by
        the number of its line, ``lines[0].quantity``: ``Line 1, Quantity``; None of a
        path that the entity does not have."""
        name, key, field = parse_path(path)
        if key is None:
            known = name in KEYED or self._find_converter(path)[0]
            return self._field_title(path) if known else None
        if not self._entity_lines or name not in KEYED:
            return None
        line = self.env._("Line %s", line_number(key))
        return f"{line}, {self._field_title(path)}" if field else line

    @api.model
    def _field_titles(self):
        """What people call all fields: ``{last part of the path: {title, ...}}``, for
        a field of a record and one of its lines may share their name."""
        titles = {}
        for path in self._paths():
            title = self._field_title(path.replace(".", "[]."))
            titles.setdefault(path.rpartition(".")[2], set()).add(title)
        return titles

    @api.model
    def _names_in(self, path, *sides):
        """What people call the line and the field of a path; None for what it has not.

        :param sides: canonical values, or None, in which to look for the line
        """
        name, key, field = parse_path(path)
        if key is None:
            return None, self._field_title(name)
        for values in sides:
            for number, line in enumerate((values or {}).get(name) or (), 1):
                if line["key"] == key:
                    title = self.env._("Line %s", number)
                    said = self._line_name(line)
                    title = f"{title} - {said}" if said else title
                    return title, self._field_title(path) if field else None
        gone = self.env._("Line that is gone")
        return gone, self._field_title(path) if field else None

    @api.model
    def _about_text(self, record):
        """What an Odoo record is, in a few words for a person who decides about it;
        empty where its name says it."""
        return ""

    @api.model
    def _totals(self, record, before, after, directory):
        """What an Odoo record comes to, and would come to with other values; nothing is
        written.

        :param before, after: canonical values
        :return: both amounts as people read them; None where it has no total, or both
            are of no other lines
        """
        return None

    @api.model
    def _line_name(self, line):
        """How people tell a canonical line from others: the first line of its first
        text."""
        for converter in self._known_line_converters():
            if converter.kind == "text" and line.get(converter.key):
                return line[converter.key].partition("\n")[0]
        return ""

    @api.model
    def _value_text(self, path, value, directory):
        """A canonical value at ``path`` as people read it, in their language.

        :param value: of a whole line its fields; MISSING or None: empty
        """
        converter, model = self._find_converter(path)
        if value is MISSING or value is None:
            return ""
        if converter:
            return converter.to_text(value, model, directory)
        if isinstance(value, dict):
            return "\n".join(self._figures(path, value, directory))
        if isinstance(value, list):
            return "\n".join(self._line_text(path, line, directory) for line in value)
        return value if isinstance(value, str) else json.dumps(value)

    def _line_text(self, path, line, directory):
        name = self._line_name(line)
        figures = ", ".join(self._figures(f"{path}[{line['key']}]", line, directory))
        return f"{name}: {figures}" if name else figures

    def _figures(self, path, line, directory):
        """The numbers of a line, each with its name."""
        figures = []
        for converter in self._known_line_converters():
            key = converter.key
            if converter.kind == "number" and key in line:
                field = f"{path}.{key}"
                text = self._value_text(field, line[key], directory)
                figures.append(f"{self._field_title(field)}: {text}")
        return figures
