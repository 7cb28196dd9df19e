"""Lines of an entity: read, checked, compared, matched and written by their keys."""

from odoo import api, models, tools

from ..core.check.text_checks import check_id, check_list
from ..core.conflict.merge import lines_by_key
from ..core.exceptions import DependencyMissingError, InvalidDataError
from ..core.keys.line_keys import keys_of, pair_lines
from .columns import rows, values_of
from .converters import is_empty, placed
from .directory import together
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
    @tools.ormcache()
    def _known_line_converters(self):
        """:meth:`_line_converters` and what any stream carries besides, made once."""
        if not self._entity_lines:
            return ()
        return *self._line_converters(), *self._further_converters(True)

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
        return {"lines", *(f"lines.{c.key}" for c in self._known_line_converters())}

    # -- Odoo to JSON -----------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _line_columns(self):
        """The fields that are read of a line: few of all that it has."""
        lines = self._line_model()
        names = {converter.field for converter in self._known_line_converters()}
        names |= {"sync_key", *lines._sync_line_reads}
        return tuple(name for name in sorted(names) if lines._fields[name].column_type)

    @api.model
    def _travelling_lines(self, lines):
        """Those that travel; of many that are alike one is asked."""
        if not lines._sync_line_reads:
            return lines.filtered(lambda line: line._sync_is_line())
        columns = [values_of(lines, name) for name in lines._sync_line_reads]
        known, found = {}, []
        for line_id, alike in zip(lines._ids, zip(*columns, strict=True), strict=True):
            if alike not in known:
                line = lines.browse(line_id).with_prefetch(lines._prefetch_ids)
                known[alike] = line._sync_is_line()
            if known[alike]:
                found.append(line_id)
        return lines.browse(found).with_prefetch(lines._prefetch_ids)

    @api.model
    def _serialise_lines(self, records, directory):
        """``{"lines": [...]}`` in canonical form by the record's id; nothing in it if
        the entity has no lines."""
        if not self._entity_lines:
            return {record_id: {} for record_id in records._ids}
        every = records[self._entity_lines]
        every = self._travelling_lines(every)
        stored = dict(zip(every._ids, values_of(every, "sync_key"), strict=True))
        converters = self._travelling(directory.backend, in_line=True)
        said = rows(every, converters, directory)
        said = dict(zip(every._ids, said, strict=True))
        found = {}
        for record in records:
            ids = [i for i in record[self._entity_lines]._ids if i in said]
            keys = keys_of((i, stored[i] or None) for i in ids)
            found[record.id] = {"lines": [{"key": keys[i], **said[i]} for i in ids]}
        return found

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
        for converter in self._travelling(directory.backend, in_line=True):
            if converter.required and is_empty(line.get(converter.key)):
                raise InvalidDataError(
                    f"{path}.{converter.key} is required",
                    field=f"{path}.{converter.key}",
                )
            if converter.key in line:
                try:
                    canonical[converter.key] = converter.arrived(
                        line[converter.key], directory
                    )
                except (InvalidDataError, DependencyMissingError) as exc:
                    placed(exc, path)
                    raise
        return canonical

    @api.model
    def _line_values(self, index, line, directory, keys=None):
        """Odoo values of a canonical line, or of those of its fields.

        :raises InvalidDataError, DependencyMissingError: ``field`` names the line too
        """
        try:
            return {
                converter.field: converter.to_odoo(line[converter.key], directory)
                for converter in self._known_line_converters()
                if converter.key in line and (keys is None or converter.key in keys)
            }
        except (InvalidDataError, DependencyMissingError) as exc:
            placed(exc, f"lines[{index}]")
            raise

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
    def _update_all_lines(self, changes, directory):
        """Bring the lines of records to what their changes say, matched by their keys.
        Lines that take over the same are written together.

        :param changes: canonical, by record
        """
        wanted = {
            record: data["lines"] for record, data in changes.items() if "lines" in data
        }
        if not wanted or not self._entity_lines:
            return
        every = self.env[self._entity_model].concat(*wanted)
        known = self._serialise(every, directory)
        groups, added, removed = {}, [], []
        for record, lines in wanted.items():
            had = lines_by_key("lines", known[record.id]["lines"])
            current, new = self._lines_of(record), []
            for index, line in enumerate(lines):
                key = line["key"]
                if key not in current:
                    new.append((index, line))
                elif changed := _changed(had[key], line):
                    values = self._line_values(index, line, directory, changed)
                    values = self._complete_line(current[key], values)
                    group = groups.setdefault(repr(values), (values, []))
                    group[1].append(current[key])
            kept = {line["key"] for line in lines}
            removed += [line for key, line in current.items() if key not in kept]
            added += self._new_line_values(record, new, directory)
        every_line = every[self._entity_lines]
        for values, lines in groups.values():
            self._write_lines(together(lines, every_line), values)
        together(removed, every_line).unlink()
        every_line.create(added)

    @api.model
    def _complete_line(self, line, values):
        """Values to write on a line, with what Odoo requires and the pharmacy does
        not."""
        return values

    @api.model
    def _write_lines(self, lines, values):
        """Write the same on lines, of one record or of many."""
        lines.write(values)

    @api.model
    def _line_values_by_key(self, record, directory):
        return lines_by_key(
            "lines", self._serialise(record, directory)[record.id]["lines"]
        )

    # -- References -------------------------------------------------------------------

    @api.model
    def _preload(self, records, directory):
        """Fetch at once what serialising ``records`` will look up."""
        sides = [(records, self._known_converters())]
        if self._entity_lines:
            lines = records[self._entity_lines]
            lines.fetch(self._line_columns())
            sides.append((lines, self._known_line_converters()))
        for found, converters in sides:
            for converter in converters:
                if isinstance(converter, Reference):
                    targets = set(values_of(found, converter.field)) - {None}
                    directory.load(converter.entity, targets)

    @api.model
    def _preload_arrived(self, incoming, directory):
        """Fetch at once what writing a list of canonical dicts will look up."""
        lines = [line for data in incoming for line in data.get("lines", ())]
        for converters, found in (
            (self._known_converters(), incoming),
            (self._known_line_converters(), lines),
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
        every = tuple(converter.key for converter in self._known_line_converters())
        keys = pair_lines(
            self._line_values_by_key(record, directory),
            {line["key"]: line for line in data.get("lines", ())},
            self._entity_line_match or (every,),
        )
        self._take_keys(record, keys)

    @api.model
    def _take_keys(self, record, keys):
        """Lines of ``record`` go by other keys: ``{old: new}``."""
        for key, line in self._lines_of(record).items():
            if keys.get(key, key) != key:
                line.sync_key = keys[key]


def _changed(had, line):
    """Names of a line's fields that are not as they were."""
    return {name for name, value in line.items() if value != had.get(name)}
