from odoo import api, models, tools
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..core.conflict.merge import parse_path
from ..core.exceptions import InvalidDataError
from ..core.taxonomy import ErrorType
from .columns import rows
from .converters import is_empty
from .links import Reference
from .neutral import neutral


class SyncEntity(models.AbstractModel):
    """What the synchronisation must know of one entity.

    A subclass, one file in ``entities/``, sets the attributes below and lists its
    fields in :meth:`_converters`; everything else has a default that serves a flat
    record. Another addon adds a field by extending :meth:`_converters`.
    """

    _name = "sync.entity"
    _description = "Synchronised Entity"

    # Name of the entity in the API and on the stream; None on this base class.
    _entity = None
    # How the types of its events begin; the entity's name if it is not set.
    _entity_event = None
    # Title for people, translated lazily.
    _entity_title = None
    # What events there are of its records; ``cancelled`` is one of what can be.
    _entity_event_kinds = ("created", "updated", "deleted", "synced")
    # What people call them, likewise; the title serves for what is not here.
    _entity_event_titles = {}
    # Odoo model, and collection in the pharmacy app's REST API.
    _entity_model = None
    _entity_collection = None
    # Entities are pushed and pulled in ascending order: what others refer to first.
    _entity_rank = 10
    # Pool that bounds how many calls for the entity are under way at once.
    _entity_pool = "supplier_query"
    # Fields that an update is reduced to while the pool is saturated, if the stream
    # says so; the rest follows.
    _entity_essential = frozenset()
    # Whether single records are looked up, and cached.
    _entity_cached = False
    # What shows that a record of each side is the same: tuples of (JSON key, Odoo
    # field), the strongest first.
    _entity_match = ()
    # Those of its JSON keys whose values are the same in the whole world. Any other
    # number some app may have made: it says nothing of another app's records.
    _entity_worldwide = frozenset()
    # What kind of failure it is when another record refers to one that is not there.
    _entity_missing = ErrorType.RESOURCE_NOT_FOUND
    # Models whose writes concern the entity, with the fields that do.
    _entity_tracked = {}

    @api.model
    def _entities(self):
        """All entity adapters of this database, by rank: ``{name: model}``."""
        adapters = [
            self.env[name]
            for name, model in self.env.registry.items()
            if name.startswith("sync.entity.") and model._entity
        ]
        adapters.sort(key=lambda adapter: (adapter._entity_rank, adapter._entity))
        return {adapter._entity: adapter for adapter in adapters}

    @api.model
    def _converters(self):
        """The entity's fields, a tuple of :class:`.converters.Converter`.

        They are asked for once in a registry, and serve every database user.
        """
        return ()

    @api.model
    @tools.ormcache()
    def _known_converters(self):
        """:meth:`_converters` and what any stream carries besides, made once: thousands
        of values pass them."""
        return *self._converters(), *self._further_converters(False)

    @api.model
    def _missing_types(self):
        """What it is when what a field refers to is not there: types by field."""
        adapters = self._entities()
        return {
            converter.key: adapters[converter.entity]._entity_missing
            for converter in self._known_converters()
            if isinstance(converter, Reference)
        }

    @api.model
    def _find_converter(self, path):
        """The converter at a path such as ``notes`` or ``lines[key].quantity``.

        :return: the converter and the field's Odoo model (an empty recordset), both
            None for a whole line and for a field that Odoo does not know
        """
        __, key, name = parse_path(path)
        in_line = key is not None
        converter = self._converters_by_key()[in_line].get(name if in_line else path)
        if converter is None:
            return None, None
        model = self._line_model() if in_line else self.env[self._entity_model]
        return converter, model

    @api.model
    @tools.ormcache()
    def _converters_by_key(self):
        """Those of the record, and those of its lines."""
        both = self._known_converters(), self._known_line_converters()
        return tuple({c.key: c for c in reversed(found)} for found in both)

    @api.model
    def _domain(self, backend):
        """Which of Odoo's records belong on ``backend``."""
        return Domain.TRUE

    @api.model
    def _paths(self):
        """Generic paths of the entity's fields: ``notes``, ``lines.quantity``."""
        return {c.key for c in self._known_converters()} | self._line_paths()

    @api.model
    def _needed_paths(self):
        """Generic paths of what a new record must carry; whole lines are among it."""
        lines = {"lines"} if self._entity_lines else set()
        needed = {c.key for c in self._known_converters() if c.required}
        of_lines = self._known_line_converters()
        return lines | needed | {f"lines.{c.key}" for c in of_lines if c.required}

    @api.model
    def _check_paths(self, paths, entity=None):
        """Paths that a person typed.

        :param entity: name of the entity that has to know them; none: any of them
        :raises ValidationError: one of them is unknown
        """
        known = set().union(
            *(
                adapter._paths()
                for name, adapter in self._entities().items()
                if name == (entity or name)
            )
        )
        for path in paths:
            if path not in known:
                raise ValidationError(
                    self.env._(
                        "There is no field %(path)s. Fields are: %(known)s",
                        path=path,
                        known=", ".join(sorted(known)),
                    )
                )

    # -- What rules and policies ask --------------------------------------------------

    @api.model
    def _asks(self, record, field, value):
        """Whether a person must be asked before ``record`` takes over the pharmacy's
        ``value`` of a field, though Odoo did not change it."""
        return False

    @api.model
    def _asks_because(self, record):
        """Why a person is asked, for people."""
        return ""

    @api.model
    def _is_processed(self, record):
        """Whether goods of an order were received or billed."""
        return False

    @api.model
    def _currency(self, record):
        """The currency that the record's amounts are in."""
        if "currency_id" in record._fields and record.currency_id:
            return record.currency_id
        return self.env.company.currency_id

    @api.model
    def _known_differences(self, records):
        """What of Odoo's records decides what people pay or get and the pharmacy cannot
        know: ``{res_id: {path: what Odoo has}}`` of those that have any."""
        return {}

    @api.model
    def _difference_text(self, what, path, value):
        """One of :meth:`_known_differences` as people read it.

        :param what: what they call the line or the record that it is about
        """
        return f"{what}: {path.rpartition('.')[2]} {value}"

    @api.model
    def _is_alive(self, record):
        """Whether people still use the record: it is neither archived nor cancelled."""
        return "active" not in record._fields or record.active

    # -- Odoo to JSON -----------------------------------------------------------------

    @api.model
    def _serialise(self, records, directory):
        """Records in canonical JSON form: ``{id: {key: value}}``.

        Values are read in bulk, and are the same for every caller.
        """
        records = neutral(records, directory.backend, active_test=False)
        self._preload(records, directory)
        own = rows(records, self._travelling(directory.backend), directory)
        lines = self._serialise_lines(records, directory)
        return {
            record_id: {**values, **lines[record_id]}
            for record_id, values in zip(records._ids, own, strict=True)
        }

    # -- JSON to Odoo -----------------------------------------------------------------

    @api.model
    def _canonical(self, data, directory, partial=False):
        """The known fields of an arriving record in canonical form.

        :param data: dict as it came; unknown keys are left out
        :param partial: whether absent fields are allowed (an update)
        :raises InvalidDataError: naming the first field at fault
        """
        if not isinstance(data, dict):
            raise InvalidDataError("a record must be a JSON object")
        canonical = {}
        for converter in self._travelling(directory.backend):
            if converter.key in data:
                canonical[converter.key] = converter.arrived(
                    data[converter.key], directory
                )
            if (
                converter.required
                and is_empty(canonical.get(converter.key))
                and not (partial and converter.key not in data)
            ):
                raise InvalidDataError(
                    f"{converter.key} is required", field=converter.key
                )
        if self._entity_lines and "lines" in data:
            canonical["lines"] = self._canonical_lines(data["lines"], directory)
        return canonical

    @api.model
    def _values(self, data, directory):
        """Odoo values for canonical ``data``."""
        return {
            converter.field: converter.to_odoo(data[converter.key], directory)
            for converter in self._known_converters()
            if converter.key in data
        }

    # -- The same thing on both sides -------------------------------------------------

    @api.model
    def _check_known(self, data, directory):
        """See that Odoo has all that canonical ``data`` refers to.

        :raises InvalidDataError: naming the field at fault
        :raises DependencyMissingError: another record did not come yet
        """
        self._values(data, directory)
        for index, line in enumerate(data.get("lines", ())):
            self._line_values(index, line, directory)

    @api.model
    def _differing(self, odoo, pharmacy):
        """Keys of the fields in which two records, both canonical, differ."""
        held = self._held()
        odoo, pharmacy = self._without_keys(odoo), self._without_keys(pharmacy)
        return [
            key
            for key in odoo
            if key in pharmacy
            and odoo[key] != pharmacy[key]
            and odoo[key] != held(key, pharmacy[key])
        ]

    @api.model
    def _checksum_fields(self, backend):
        """The fields that count in checksums, see ``core/exchange/checksum.py``."""
        names = [converter.key for converter in self._travelling(backend)]
        if self._entity_lines:
            of_lines = self._travelling(backend, in_line=True)
            keys = ["key", *(converter.key for converter in of_lines)]
            names += [f"lines.{key}" for key in keys]
        return names
