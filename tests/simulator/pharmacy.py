"""The pharmacy's side in memory: what ``pharmacy_app/records.py`` does, in little.

Versions and If-Match, a key of Odoo's (``external_ref``) that is unique among the
living and the deleted, idempotency keys, tombstones, and a feed in which each record
stands once, at its latest change. A cursor names the change that it stands behind, so
that a pharmacy that was set back refuses the cursors of what it has lost.
"""

from copy import deepcopy
from dataclasses import dataclass

from odoo.addons.pharmacy_sync.core.exceptions import HttpError
from odoo.addons.pharmacy_sync.core.taxonomy import Key

from .declines import everything

FORBIDDEN = 403


def no_name(name):
    return False


@dataclass
class Row:
    id: str
    version: int
    seq: int
    external_ref: str | None
    data: dict
    deleted: bool = False
    updated_at: int = 0

    def record(self):
        return {
            "id": self.id,
            "version": self.version,
            "deleted": self.deleted,
            "external_ref": self.external_ref,
            "updated_at": self.updated_at,
            **self.data,
        }


class Pharmacy:
    """:param heeds_keys: whether it remembers idempotency keys
    :param compares: whether an update that changes nothing makes no version
    :param now: function for the time, in ticks
    :ivar unique: whether a living record's number is its own, as a product's barcode
    :ivar poison: says of a record's name whether the pharmacy refuses that record
    :ivar takes: what it takes of the changes that Odoo sends
    :ivar astray: references of Odoo's that lead nowhere
    """

    def __init__(self, heeds_keys=True, compares=True, now=lambda: 0):
        self.heeds_keys = heeds_keys
        self.compares = compares
        self.now = now
        self.unique = False
        self.takes = everything
        self.poison = no_name
        self.astray = []
        self.rows = {}
        self.seq = 0
        self._by_ref = {}
        self._answers = {}
        self._changes = {}  # by its number, the change that it really is
        self._made = 0
        self._changed = 0

    # -- What Odoo may ask ------------------------------------------------------------

    def batch(self, writes):
        """:return: an exception if all is refused, whatever is in it"""
        if any(self.poison(self._name(write)) for write in writes):
            refusal = HttpError(FORBIDDEN)
            refusal.of_key = Key.GOOD
            return refusal
        return [self._once(write) for write in writes]

    def health(self):
        return {"status": "ok"}

    def find(self, external_ref):
        row = self._by_ref.get(external_ref)
        return row.record() if row and not row.deleted else None

    def get(self, record_id):
        row = self.rows.get(record_id)
        return row and row.record()

    def changes(self, cursor, limit):
        """:param cursor: None for the beginning"""
        seq, change = cursor or (0, None)
        page = {"changes": [], "next_cursor": cursor, "has_more": False}
        if self._changes.get(seq) != change:
            return {**page, "status": 410}
        rows = sorted(
            (row for row in self.rows.values() if row.seq > seq),
            key=lambda row: row.seq,
        )
        page["changes"] = [row.record() for row in rows[:limit]]
        page["has_more"] = len(rows) > limit
        if rows:
            seq = rows[:limit][-1].seq
            page["next_cursor"] = seq, self._changes[seq]
        return page

    # -- Backups ----------------------------------------------------------------------

    def backup(self):
        kept = self.rows, self.seq, self._by_ref, self._answers, self._changes
        return deepcopy(kept)

    @staticmethod
    def is_behind(kept, seq):
        """Whether a backup was made before the change of this number."""
        return kept[1] < seq

    def restore(self, kept):
        rows, self.seq, by_ref, answers, changes = deepcopy(kept)
        self.rows, self._by_ref = rows, by_ref
        self._answers, self._changes = answers, changes

    # -- What a person does -----------------------------------------------------------

    def create(self, data, external_ref=None):  # pylint: disable=method-required-super
        self._made += 1
        row = Row(f"ph{self._made}", 0, 0, external_ref, data)
        self.rows[row.id] = row
        if external_ref:
            self._by_ref[external_ref] = row
        return self._saved(row, row.data)

    def edit(self, row, changes):
        return self._saved(row, {**row.data, **changes})

    def delete(self, row):
        row.deleted = True
        return self._saved(row, row.data)

    def _saved(self, row, data):
        self.seq += 1
        self._changed += 1
        self._changes[self.seq] = self._changed
        row.seq, row.data, row.version = self.seq, data, row.version + 1
        row.updated_at = self.now()
        return row

    def named(self, name):
        """The living record of a number."""
        for row in self.rows.values():
            if row.data["name"] == name and not row.deleted:
                return row
        return None

    def _name(self, write):
        row = self.rows.get(write.get("id"))
        return row.data["name"] if row else write.get("data", {}).get("name")

    # -- One write --------------------------------------------------------------------

    def _once(self, write):
        key = write.get("idempotency_key")
        if key in self._answers and self.heeds_keys:
            return self._answers[key]
        supplier = write.get("data", {}).get("supplier")
        if supplier and supplier not in self.rows:
            self.astray.append(supplier)
        answer = getattr(self, f"_{write['method']}")(write)
        if answer["status"] < 300:
            self._answers[key] = answer
        return answer

    def _create(self, write):
        ref = write.get("external_ref")
        if ref in self._by_ref:
            return {"status": 409, "existing_id": self._by_ref[ref].id}
        twin = self.named(write["data"]["name"]) if self.unique else None
        if twin:
            return {"status": 409, "existing_id": twin.id}
        return self._done(self.create(write["data"], ref), 201)

    def _update(self, write):
        row, refusal = self._matching(write)
        if refusal:
            return refusal
        changes = self.takes("pharmacy", row.data, write["data"])
        if not self.compares or {**row.data, **changes} != row.data:
            self.edit(row, changes)
        return self._done(row, 200)

    def _delete(self, write):
        row, refusal = self._matching(write)
        return refusal or self._done(self.delete(row), 204)

    def _matching(self, write):
        row = self.rows.get(write["id"])
        if not row:
            return row, {"status": 404}
        if row.deleted:
            return row, {"status": 410, "current": row.record()}
        if write["if_match"] not in ("*", row.version):
            return row, {"status": 412, "current": row.record()}
        return row, None

    def _done(self, row, status):
        return {
            "status": status,
            "id": row.id,
            "version": row.version,
            "data": row.record(),
        }
