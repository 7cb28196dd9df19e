"""What rules and policies may ask about a record of Odoo besides its values."""

from decimal import Decimal
from functools import cached_property

from odoo.tools import SQL

from ...core.check.payload import canonical_datetime
from ...core.conflict.merge import MISSING, parse_path
from ...core.conflict.rules import Facts, Times
from ...core.exceptions import InvalidDataError


class RecordFacts(Facts):
    """Facts of one record, each found out when it is asked for.

    :param mapping: the ``sync.mapping``
    :param record: its Odoo record; those of a batch share their prefetch
    :param arrived: the record as it arrived, for its time and version
    :param peers: the mappings of the batch, asked about together
    """

    def __init__(self, mapping, record, arrived=None, peers=None):
        self._mapping = mapping
        self._record = record
        self._arrived = arrived or {}
        self._peers = peers or Peers(mapping)

    @cached_property
    def _adapter(self):
        return self._mapping.stream_id._adapter()

    def rounding(self):
        return Decimal(str(self._adapter._currency(self._record).rounding))

    def is_processed(self):
        return self._adapter._is_processed(self._record)

    def is_frozen(self, path, value):
        name = parse_path(path)[0]
        arriving = None if value is MISSING else value
        return self._adapter._asks(self._record, name, arriving)

    def is_touched(self, since):
        """Whether the record may have been changed at the pharmacy since a time.

        :param since: canonical, by the app's clock; falsy: it is not known
        """
        try:
            return canonical_datetime(self._arrived.get("updated_at")) >= (since or "")
        except InvalidDataError:
            return True

    def times(self):
        odoo = self._peers.changed_at(self._mapping, self._record)
        try:
            pharmacy = canonical_datetime(self._arrived.get("updated_at"))
        except InvalidDataError:
            return None
        version = self._arrived.get("version") or 0
        return Times(odoo, pharmacy, version, self._mapping.version)


class Peers:
    """When the records of a batch were last changed in Odoo by anybody but us."""

    def __init__(self, mappings):
        self._mappings = mappings
        self._found = None

    def changed_at(self, mapping, record):
        """Canonical time of the last change of ``record``."""
        if self._found is None:
            self._found = self._read()
        found = self._found.get((mapping.stream_id.id, mapping.res_id))
        return canonical_datetime(found or record.write_date)

    def _read(self):
        # Their events say it; those of the API user and of jobs are what we wrote.
        return {
            (stream_id, res_id): moment
            for stream_id, res_id, moment in self._mappings.env.execute_query(
                SQL(
                    """SELECT e.stream_id, e.res_id, max(e.create_date)
                         FROM sync_event e
                         JOIN sync_mapping m
                           ON m.stream_id = e.stream_id AND m.res_id = e.res_id
                         JOIN sync_backend b ON b.id = m.backend_id
                        WHERE m.id = ANY(%s) AND e.user_id IS NOT NULL
                          AND e.user_id NOT IN (COALESCE(b.user_id, 0), %s)
                        GROUP BY e.stream_id, e.res_id""",
                    self._mappings.ids,
                    self._mappings.env.ref("base.user_root").id,
                )
            )
        }
