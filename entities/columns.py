"""Canonical values of many records, read a field at a time: looking the field up is
paid once a batch, and so is the canonical form of a value that several of them have."""

from .converters import Converter

# Kinds of fields whose values mean the same if Odoo's cache has the same of them.
PLAIN = frozenset(
    {
        *("boolean", "char", "date", "datetime", "float", "html", "integer"),
        *("many2one", "monetary", "selection", "text"),
    }
)
_UNREAD = object()
_NEVER = (None, None)


def rows(records, converters, directory):
    """What the converters say of each record: dicts by key, in the records' order. For
    a record that has what it had when it was read before, the same dict."""
    if not converters:
        return [{} for __ in records]
    keys = [converter.key for converter in converters]
    columns = [_Column(converter, records, directory) for converter in converters]
    read = directory.read.setdefault(records._name, {})
    has = list(zip(*(column.values for column in columns), strict=True))
    known = zip(records._ids, has, strict=True)
    news = [(i, row) for i, row in known if read.get(i, _NEVER)[0] != row]
    if news:
        # Column by column again: most calls are for values that were met already.
        values = zip(*(row for __, row in news), strict=True)
        said = [column.said(each) for column, each in zip(columns, values, strict=True)]
        for (i, row), texts in zip(news, zip(*said, strict=True), strict=True):
            read[i] = row, dict(zip(keys, texts, strict=True))
    return [read[record_id][1] for record_id in records._ids]


def values_of(records, name):
    """What Odoo has of one field in each record, as its cache keeps it."""
    field = records._fields[name]
    records._check_field_access(field, "read")
    if field.compute and field.store:
        field.recompute(records)
    cache = field._get_cache(records.env)
    found = [cache.get(record_id, _UNREAD) for record_id in records._ids]
    if _UNREAD in found:
        for record in records:
            # The first one that is not there is read with all others.
            if cache.get(record.id, _UNREAD) is _UNREAD:
                record.mapped(name)
        found = [cache[record_id] for record_id in records._ids]
    return found


class _Column:
    """One field of many records.

    :ivar values: what Odoo has, or what the converter says of it where that is more
        than the value of the field
    """

    def __init__(self, converter, records, directory):
        self._converter, self._records, self._directory = converter, records, directory
        self._field = records._fields[converter.field]
        own = type(converter).to_json is not Converter.to_json
        self._is_plain = self._field.type in PLAIN and not own
        if self._is_plain:
            self.values = values_of(records, converter.field)
        else:
            self.values = [converter.to_json(record, directory) for record in records]

    def said(self, values):
        """The canonical forms of some of the values, in their order."""
        if not self._is_plain:
            return values
        # As the field of a record would return it.
        as_read, from_odoo = self._field.convert_to_record, self._converter.from_odoo
        known = {
            value: from_odoo(as_read(value, self._records), self._directory)
            for value in set(values)
        }
        return [known[value] for value in values]
