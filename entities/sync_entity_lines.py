"""Lines of an entity: read, checked, compared, matched and written by their keys."""

from odoo import api, models

from ..core.exceptions import InvalidDataError
from ..core.line_keys import keys_of, pair_lines
from ..core.text_checks import check_id, check_list
from .converters import at_path, is_empty
from .links import Reference

# Lines of a record that arrives: creating them takes one request or job.
MOST_LINES = 1_000


class SyncEntity(models.AbstractModel):
    """A record's lines travel as ``lines``: objects with a ``key`` that stays the same
    for a line's whole life, and the fields in ``_line_converters``."""

    _inherit = "sync.entity"

    # The record's field that holds its lines, of an entity that has them. Their model
    # inherits ``sync.tracked.line``.
    _entity_lines = None
    # Keys of fields by which lines of records that were never linked are the same: the
    # first tuple that finds one decides. Without any, all fields have to agree.
    _entity_line_match = ()

    @api.model
    def _line_model(self):
        """The Odoo model of the lines, an empty recordset; None: it has none."""
        if not self._entity_lines:
            return None
        return self.env[self._entity_model][self._entity_lines]

    @api.model
    def _line_converters(self):
        """The fields of its lines, as in :meth:`_converters`."""
        return ()

    @api.model
    def _lines_of(self, record):
        """The record's lines that travel, by their keys."""
        lines = record[self._entity_lines].filtered(lambda line: line._sync_is_line())
        keys = keys_of((line.id, line.sync_key or None) for line in lines)
        return {keys[line.id]: line for line in lines}

    @api.model
    def _line_paths(self):
        """Generic paths of lines and their fields: ``lines``, ``lines.quantity``."""
        if not self._entity_lines:
            return set()
        return {"lines", *(f"lines.{c.key}" for c in self._line_converters())}

    # -- Odoo to JSON -----------------------------------------------------------------

    @api.model
    def _serialise_lines(self, record, directory):
        """``{"lines": [...]}`` in canonical form; empty if the entity has no lines."""
        if not self._entity_lines:
            return {}
        converters = self._line_converters()
        return {
            "lines": [
                {"key": key, **{c.key: c.to_json(line, directory) for c in converters}}
                for key, line in self._lines_of(record).items()
            ]
        }

    # -- JSON to Odoo -----------------------------------------------------------------

    @api.model
    def _canonical_lines(self, lines, directory):
        """Arriving lines in canonical form, unknown fields left out.

        :raises InvalidDataError: naming the line and its first field at fault
        """
        check_list(lines, "lines", MOST_LINES)
        canonical, keys = [], set()
        for index, line in enumerate(lines):
            path = f"lines[{index}]"
            if not isinstance(line, dict):
                raise InvalidDataError(f"{path} must be an object", field=path)
            key = check_id(line.get("key"), f"{path}.key")
            if key in keys:
                raise InvalidDataError(
                    f"{path}.key must be unique among the lines",
                    field=f"{path}.key",
                )
            keys.add(key)
            canonical.append(
                {"key": key, **self._canonical_line(path, line, directory)}
            )
        return canonical

    def _canonical_line(self, path, line, directory):
        canonical = {}
        for converter in self._line_converters():
            if converter.required and is_empty(line.get(converter.key)):
                raise InvalidDataError(
                    f"{path}.{converter.key} is required",
                    field=f"{path}.{converter.key}",
                )
            if converter.key in line:
                with at_path(path):
                    canonical[converter.key] = converter.arrived(
                        line[converter.key], directory
                    )
        return canonical

    @api.model
    def _line_values(self, index, line, directory, keys=None):
        """Odoo values of a canonical line, or of those of its fields.

        :raises InvalidDataError, DependencyMissingError: ``field`` names the line too
        """
        with at_path(f"lines[{index}]"):
            return {
                converter.field: converter.to_odoo(line[converter.key], directory)
                for converter in self._line_converters()
                if converter.key in line and (keys is None or converter.key in keys)
            }

    @api.model
    def _new_line_values(self, record, lines, directory):
        """Values for new lines of ``record``.

        :param lines: pairs of a line's place among those that arrived, and the line
        """
        inverse = record._fields[self._entity_lines].inverse_name
        for index, line in lines:
            values = self._line_values(index, line, directory)
            yield {**values, inverse: record.id, "sync_key": line["key"]}

    @api.model
    def _all_line_values(self, records, incoming, directory):
        """Values of all lines of new ``records``, which arrived as ``incoming``."""
        return [
            values
            for record, data in zip(records, incoming, strict=True)
            for values in self._new_line_values(
                record, list(enumerate(data.get("lines", ()))), directory
            )
        ]

    @api.model
    def _update_lines(self, record, lines, directory):
        """Bring the record's lines to what ``lines`` says, matched by their keys."""
        current = self._lines_of(record)
        known = self._line_values_by_key(record, directory)
        added = []
        for index, line in enumerate(lines):
            key = line["key"]
            if key not in current:
                added.append((index, line))
                continue
            changed = {name for name in line if line[name] != known[key].get(name)}
            if changed:
                values = self._line_values(index, line, directory, changed)
                current[key].write(self._with_what_stays(current[key], values))
        kept = {line["key"] for line in lines}
        Line = self._line_model()
        removed = [line.id for key, line in current.items() if key not in kept]
        Line.browse(removed).unlink()
        Line.create(list(self._new_line_values(record, added, directory)))

    @api.model
    def _with_what_stays(self, line, values):
        """Values to write on a line, with those that Odoo would set anew."""
        return values

    @api.model
    def _line_values_by_key(self, record, directory):
        lines = self._serialise(record, directory)[record.id]["lines"]
        return {line["key"]: line for line in lines}

    # -- References -------------------------------------------------------------------

    @api.model
    def _preload(self, records, directory):
        """Fetch at once what serialising ``records`` will look up."""
        for converter in self._converters():
            if isinstance(converter, Reference):
                directory.load(converter.entity, records[converter.field].ids)
        for converter in self._line_converters():
            if isinstance(converter, Reference):
                targets = records[self._entity_lines][converter.field]
                directory.load(converter.entity, targets.ids)

    @api.model
    def _preload_arrived(self, incoming, directory):
        """Fetch at once what writing a list of canonical dicts will look up."""
        lines = [line for data in incoming for line in data.get("lines", ())]
        for converters, found in (
            (self._converters(), incoming),
            (self._line_converters(), lines),
        ):
            for converter in converters:
                if isinstance(converter, Reference):
                    ids = {data.get(converter.key) for data in found} - {None}
                    directory.load(converter.entity, external_ids=ids)

    # -- The same thing on both sides -------------------------------------------------

    @api.model
    def _without_keys(self, data):
        """A canonical record whose lines, as Odoo holds them, stand in an order that
        does not depend on their keys: those of records that were never linked have
        keys of their own."""
        if not self._entity_lines:
            return data
        held = self._held()
        lines = [
            {
                name: held(f"lines.{name}", value)
                for name, value in line.items()
                if name != "key"
            }
            for line in data.get("lines", ())
        ]
        return {
            **data,
            "lines": sorted(lines, key=lambda line: sorted(map(str, line.items()))),
        }

    @api.model
    def _adopt(self, record, data, directory):
        """``record`` becomes the counterpart of the pharmacy's, canonical ``data``: its
        lines get the keys of those that are the same."""
        if not self._entity_lines:
            return
        every = tuple(converter.key for converter in self._line_converters())
        keys = pair_lines(
            self._line_values_by_key(record, directory),
            {line["key"]: line for line in data.get("lines", ())},
            self._entity_line_match or (every,),
        )
        for key, line in self._lines_of(record).items():
            if keys[key] != key:
                line.sync_key = keys[key]
