"""What a batch needs to look up, looked up once."""

import re

from ..core.exceptions import (
    AmbiguousError,
    DependencyMissingError,
    InvalidDataError,
)
from ..core.keys.codes import Codes
from .neutral import SOURCE_LANG

UNMAPPED = "odoo:"
_UNMAPPED_RECORD = re.compile(r"odoo:([a-z_]+):([0-9]{1,10})")


class Directory:
    """Look-ups for one batch of one backend: mappings of linked records, records
    known by a code, decimal precisions. Nothing is asked twice.

    :param backend: the ``sync.backend`` whose mappings count
    :ivar said: what Odoo said where it did not take a value, ``{res_id: {path: text}}``
    :ivar read: what was read of Odoo's records last, see :mod:`.columns`
    """

    def __init__(self, backend):
        self.backend = backend
        self.said = {}
        self.read = {}
        self._env = backend.env
        self._external_ids = {}
        self._res_ids = {}
        self._gone = set()
        self._coded = {}
        self._digits = {}
        self._found = {}
        self._names = {}

    def once(self, key, find, *args):
        """What ``find`` returned when it was first asked for ``key``."""
        if key not in self._found:
            self._found[key] = find(*args)
        return self._found[key]

    def digits(self, precision):
        """Decimals of a named precision."""
        if precision not in self._digits:
            self._digits[precision] = self._env["decimal.precision"].precision_get(
                precision
            )
        return self._digits[precision]

    def called(self, model, res_ids):
        """What people call records, fetched at once: ``{id: name}``; of one that is
        gone None.

        :param model: an empty recordset
        """
        names = self._names.setdefault(model._name, {})
        if new := set(res_ids) - names.keys():
            living = model.browse(new).exists()
            names.update(dict.fromkeys(new))
            names.update((record.id, record.display_name) for record in living)
        return names

    def coded(self, model, by):
        """All records of ``model`` by the code in field ``by``, archived ones too: a
        :class:`..core.keys.codes.Codes`."""
        if (model, by) not in self._coded:
            Model = self._env[model].with_context(active_test=False, lang=SOURCE_LANG)
            found = Model.search_fetch([], [by], order="id")
            self._coded[model, by] = Codes(
                {record.id: record[by] or "" for record in found},
                _translations(found, by),
            )
        return self._coded[model, by]

    def the_one(self, model, by, value, field):
        """The id of the record that a code stands for; None if none does.

        :raises AmbiguousError: several go by it
        """
        found = self.coded(model, by).find(value)
        if len(found) > 1:
            raise self.several(model, value, found, field)
        return found[0] if found else None

    def several(self, model, value, ids, field):
        """The error that ``field`` says ``value``, by which several records go."""
        records = self._env[model].browse(ids)
        return AmbiguousError(
            f"{field} {value!r} may mean several records of Odoo: "
            f"{', '.join(map(_title, records))}",
            field=field,
            model=model,
            candidates=ids,
        )

    def missing(self, model, value, field):
        """The error that ``field`` says ``value``, by which no record goes."""
        what = f'{self._env[model]._description.lower()} "{value}"'
        return InvalidDataError(
            f"{field}: Odoo has no {what}. Create it, or choose another.", field=field
        )

    def load(self, entity, res_ids=(), external_ids=()):
        """Fetch mappings of ``entity`` for many records in one query."""
        known = self._external_ids.setdefault(entity, {})
        known_back = self._res_ids.setdefault(entity, {})
        res_ids = {res_id for res_id in res_ids if res_id not in known}
        external_ids = {ext for ext in external_ids if ext not in known_back}
        if not res_ids and not external_ids:
            return
        known.update(dict.fromkeys(res_ids))
        known_back.update(dict.fromkeys(external_ids))
        for res_id, external_id in self.backend._mapped_pairs(
            entity, res_ids, external_ids
        ):
            known[res_id] = external_id
            known_back[external_id] = res_id
        found = {known_back[ext]: ext for ext in external_ids if known_back[ext]}
        Model = self._env[self._adapter(entity)._entity_model]
        living = Model.browse(found).exists()._ids if found else ()
        self._gone.update((entity, found[res_id]) for res_id in found.keys() - living)

    def external_id(self, entity, res_id):
        """The pharmacy's id of a record, ``odoo:<entity>:<id>`` if it has none."""
        known = self._external_ids.get(entity, {})
        if res_id not in known:
            self.load(entity, res_ids=[res_id])
            known = self._external_ids[entity]
        return known[res_id] or f"{UNMAPPED}{entity}:{res_id}"

    def may_be(self, entity, res_id, external_id):
        """Whether two records are counterparts, or neither has one yet."""
        self.load(entity, [res_id], [external_id])
        theirs = self._external_ids[entity][res_id]
        ours = self._res_ids[entity][external_id]
        return (theirs or external_id, ours or res_id) == (external_id, res_id)

    def res_id(self, entity, external_id, field):
        """The Odoo id of a pharmacy record.

        :raises DependencyMissingError: Odoo does not have it (yet)
        :raises InvalidDataError: it was deleted in Odoo
        """
        known = self._res_ids.get(entity, {})
        if external_id not in known:
            self.load(entity, external_ids=[external_id])
            known = self._res_ids[entity]
        res_id = known[external_id]
        if not res_id:
            raise DependencyMissingError(
                entity,
                external_id,
                field=field,
                error_type=self._adapter(entity)._entity_missing,
            )
        if (entity, external_id) in self._gone:
            raise InvalidDataError(
                f"{field}: {external_id} was deleted in Odoo. Choose another.",
                field=field,
            )
        return res_id

    def _adapter(self, entity):
        return self._env["sync.entity"]._entities()[entity]

    def known_ids(self, entity):
        """Odoo ids of the pharmacy records that were looked up so far."""
        return tuple(filter(None, self._res_ids.get(entity, {}).values()))

    def known_id(self, entity, value):
        """The Odoo id of a linked record by its JSON value; None if Odoo has none."""
        for __, res_id in unmapped(value):
            return res_id
        self.load(entity, external_ids=[value])
        return self._res_ids[entity][value]


def together(records, every):
    """A list of records as one recordset, read with ``every`` record of the batch."""
    return every.browse(r.id for r in records).with_prefetch(every._ids)


def _title(record):
    archived = "active" in record._fields and not record.active
    return f"{record.display_name} (id {record.id}{', archived' if archived else ''})"


def _translations(records, by):
    """What records are called in the languages in use: ``{id: [name, ...]}``."""
    names = {}
    if records._fields[by].translate:
        for lang, __ in records.env["res.lang"].get_installed():
            for record in records.with_context(lang=lang):
                names.setdefault(record.id, []).append(record[by] or "")
    return names


def unmapped(value):
    """Linked records in a JSON record that have no counterpart yet.

    :return: a set of ``(entity, res_id)``
    """
    if isinstance(value, str):
        found = _UNMAPPED_RECORD.fullmatch(value)
        return {(found[1], int(found[2]))} if found else set()
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return set()
    return set().union(*map(unmapped, value))
