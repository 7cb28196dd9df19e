from odoo import api, models, tools

from ..core.check.text_checks import check_value
from ..core.conflict.merge import KEYED, lines_by_key
from ..core.exchange.arriving import part_agreed
from .converters import at_path, is_empty
from .links import Coded
from .sync_entity_schema import ENVELOPE


class SyncEntity(models.AbstractModel):
    """What Odoo makes of what the pharmacy says: how it holds it, what it does not keep
    of it, what it has no field for, and what it cannot say."""

    _inherit = "sync.entity"

    @api.model
    def _held(self):
        """What Odoo returns of a value of the pharmacy's once it has it, a
        :data:`..core.exchange.pair.Held`."""
        found = {}

        def held(path, value):
            if path not in found:
                found[path] = self._find_converter(_in_a_line(path))
            converter, model = found[path]
            try:
                return converter.held(value, model) if converter else value
            except (AttributeError, TypeError, ValueError):
                # The value is of an older form of the record.
                return value

        return held

    @api.model
    def _keeps(self):
        """Whether what Odoo has is all that it can hold of a value of the pharmacy's, a
        :data:`..core.exchange.declined.Keeps`."""
        held = self._held()

        def keeps(path, value, has):
            if has == value or has == held(path, value):
                return True
            converter, __ = self._find_converter(_in_a_line(path))
            return bool(converter) and converter.keeps(value, has)

        return keeps

    @api.model
    def _taken(self):
        """Whether what the pharmacy app answers is all that it can hold of a value of
        Odoo's, likewise."""

        def taken(path, value, has):
            converter, __ = self._find_converter(_in_a_line(path))
            return value == has or bool(converter and converter.taken(value, has))

        return taken

    @api.model
    def _not_kept(self, wanted, stored, creating=False):
        """Paths at which Odoo has something else than what was written there.

        :param wanted: the canonical values that were written
        :param stored: the record's, read back
        :param creating: what is empty may be filled in then, as in lines at all times
        :return: ``{path: what Odoo has}``
        """
        found = {}
        for name, value in wanted.items():
            has = stored.get(name)
            if value == has:  # nearly always
                continue
            if name in KEYED:
                found.update(self._lines_not_kept(name, value, has))
            elif not (creating and is_empty(value)):
                found.update(self._value_not_kept(name, value, has))
        return found

    def _lines_not_kept(self, name, wanted, stored):
        kept = lines_by_key(name, stored)
        for line in wanted or ():
            path = f"{name}[{line['key']}]"
            if line["key"] not in kept:
                yield path, None
                continue
            for field, value in line.items():
                if not is_empty(value):
                    has = kept[line["key"]].get(field)
                    yield from self._value_not_kept(f"{path}.{field}", value, has)

    def _value_not_kept(self, path, value, stored):
        if value == stored:
            return
        converter, __ = self._find_converter(path)
        if converter and not converter.keeps(value, stored):
            yield path, stored

    @api.model
    def _part_agreed(self, record, half):
        """Part a record that arrived: what of its values is the pharmacy's half, letter
        for letter, and the rest of them, which must be read.

        :return: both, by field
        :raises InvalidDataError: what was not agreed on cannot be kept as it came
        """
        said = {name: value for name, value in record.items() if name not in ENVELOPE}
        agreed, rest = part_agreed(half, said)
        if agreed:
            record = {name: record[name] for name in record if name not in agreed}
        check_value(record)
        return agreed, rest

    @api.model
    def _unknown(self, record):
        """Paths in an arrived record that Odoo has no field for."""
        known, of_lines = self._known_keys()
        paths = [name for name in record if name not in known]
        for name in KEYED:
            lines = record.get(name)
            for line in lines if isinstance(lines, list) else ():
                fields = line if isinstance(line, dict) else ()
                paths += [f"{name}.{key}" for key in fields if key not in of_lines]
        return list(dict.fromkeys(paths))

    @api.model
    @tools.ormcache()
    def _known_keys(self):
        """What a record may say, and what a line of it."""
        own = (converter.key for converter in self._known_converters())
        of_lines = (converter.key for converter in self._known_line_converters())
        return frozenset((*ENVELOPE, *KEYED, *own)), frozenset(("key", *of_lines))

    @api.model
    def _check_plain(self, data, directory):
        """See that what is sent names everything plainly.

        :raises AmbiguousError: ``field`` is the path of what may mean several records
        """
        self._check_codes(self._known_converters(), data, directory)
        for name in KEYED:
            for index, line in enumerate(data.get(name) or ()):
                with at_path(f"{name}[{index}]"):
                    self._check_codes(self._known_line_converters(), line, directory)

    def _check_codes(self, converters, data, directory):
        for converter in converters:
            if isinstance(converter, Coded):
                converter.check_plain(data.get(converter.key), directory)


def _in_a_line(path):
    """The path of a field in some line for a generic one such as ``lines.quantity``."""
    name, __, field = path.partition(".")
    return f"{name}[].{field}" if field else name
