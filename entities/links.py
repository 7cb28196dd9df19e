"""Fields that hold another record: one that both sides know by a code, or one that is
synchronised itself."""

from ..core.check.text_checks import check_id
from .converters import Converter
from .directory import UNMAPPED
from .neutral import SOURCE_LANG


class Link(Converter):
    """The base of those that travel as a name of another record."""

    empty = None
    kind = "link"
    free = False

    def canonical(self, value, directory):
        value = super().canonical(value, directory)
        return (value and value.strip()) or self.empty

    def held(self, value, model):
        return value

    def chosen_from(self, model):
        """Name of the Odoo model whose records people choose from.

        :param model: the Odoo model of the field, an empty recordset
        """
        return model._fields[self.field].comodel_name

    def from_odoo(self, value, directory):
        return self.value_of(value, directory)

    def unset(self):
        return self.empty

    def value_of(self, target, directory):
        """The canonical value that stands for a record; for none the empty one."""
        raise NotImplementedError

    def find(self, value, directory):
        """The id of the record that a value stands for; None: not exactly one."""
        raise NotImplementedError

    def to_text(self, value, model, directory):
        """The name of the record; of one that Odoo does not have what travels."""
        res_id = self.find(value, directory)
        Target = model.env[self.chosen_from(model)]
        name = res_id and directory.called(Target, [res_id])[res_id]
        return name or value or ""


class Coded(Link):
    """A many2one to a record that both sides know by a code (country, currency).

    Where several records go by one code the value is ``odoo:<model>:<id>``: it is
    compared like any other, and neither sent nor taken.

    :param model: model of the record
    :param by: its field that holds the code
    """

    def __init__(self, key, field, model, by, required=False, title=None):
        super().__init__(key, field, required, title=title)
        self.model = model
        self.by = by
        self.reads = ((model, by, field),)

    def value_of(self, target, directory):
        if not target:
            return self.empty
        codes, res_id = directory.coded(self.model, self.by), target.id
        code = codes.code(res_id)
        if code is None:
            # A code is the same in all languages, also where people may translate it.
            code = target.with_context(lang=SOURCE_LANG)[self.by]
        elif not codes.is_plain(res_id):
            return f"{UNMAPPED}{self.model}:{res_id}"
        return code or self.empty

    def to_odoo(self, value, directory):
        if not value:
            return False
        found = directory.the_one(self.model, self.by, value, self.key)
        if not found:
            raise directory.missing(self.model, value, self.key)
        return found

    def check_plain(self, value, directory):
        """See that a value to send names its record plainly.

        :raises AmbiguousError: another record goes by the same code
        """
        if res_id := self._own_id(value):
            codes = directory.coded(self.model, self.by)
            code = codes.code(res_id) or ""
            raise directory.several(self.model, code, codes.similar(code), self.key)

    def _own_id(self, value):
        """The id in the place of a code that stands for several records."""
        own, __, res_id = (value or "").rpartition(":")
        return int(res_id) if own == f"{UNMAPPED}{self.model}" else None

    def find(self, value, directory):
        res_id = self._own_id(value)
        if not res_id and value:
            found = directory.coded(self.model, self.by).find(value)
            res_id = found[0] if len(found) == 1 else None
        return res_id


class Reference(Link):
    """A many2one to a record of another synchronised entity.

    While the other record has no counterpart yet the value is ``odoo:<entity>:<id>``,
    which :func:`.directory.unmapped` finds.
    """

    def __init__(self, key, field, entity, required=False, title=None):
        super().__init__(key, field, required, title=title)
        self.entity = entity

    def _check_bounds(self, canonical):
        if canonical:
            check_id(canonical, self.key)

    def value_of(self, target, directory):
        # The raw id: the linked record itself need not be read.
        res_id = target.id
        return directory.external_id(self.entity, res_id) if res_id else self.empty

    def to_odoo(self, value, directory):
        return directory.res_id(self.entity, value, self.key) if value else False

    def find(self, value, directory):
        return directory.known_id(self.entity, value) if value else None


def load(found, directory):
    """Fetch at once the records that values refer to, and what people call them.

    :param found: triples of a converter or None, its field's Odoo model and a value
    """
    links = [
        (converter, model, value)
        for converter, model, value in found
        if isinstance(converter, Link) and value and isinstance(value, str)
    ]
    external_ids, called = {}, {}
    for converter, __, value in links:
        if isinstance(converter, Reference):
            external_ids.setdefault(converter.entity, set()).add(value)
    for entity, values in external_ids.items():
        directory.load(entity, external_ids=values)
    for converter, model, value in links:
        if res_id := converter.find(value, directory):
            Target = model.env[converter.chosen_from(model)]
            called.setdefault(Target, []).append(res_id)
    for Target, res_ids in called.items():
        directory.called(Target, res_ids)
