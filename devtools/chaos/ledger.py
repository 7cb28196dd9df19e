"""What both sides confirmed to persons as done."""

import threading
from dataclasses import dataclass

ODOO, APP = SIDES = ("odoo", "app")
ACKNOWLEDGED, UNKNOWN, REFUSED = "acknowledged", "unknown", "refused"
# The slot that says whether a record is there, and its values.
EXISTS, YES, NO = "exists", "yes", "no"
# Seconds after its caller has given up that a write may still be done.
LATE = 60.0


@dataclass(frozen=True)
class Write:
    """One value that somebody wrote.

    :ivar record: ``(kind, name)``; the name is the same on both sides
    :ivar slot: :data:`EXISTS`, or a field such as ``notes`` or
        ``lines[A1].quantity``, where A1 is the product's code
    :ivar makes: whether the record was made with it: whoever writes the slot later
        has seen that
    :ivar began: seconds, of one clock for all
    """

    side: str
    record: tuple
    slot: str
    value: str
    outcome: str
    began: float = 0.0
    ended: float = 0.0
    makes: bool = False


class Ledger:
    """All writes; any thread may enter some."""

    def __init__(self):
        self._lock = threading.Lock()
        self._writes = []
        self._living = {}
        self._number = 0

    def new_number(self):
        with self._lock:
            self._number += 1
            return self._number

    def enter(self, *writes):
        """Note what one request wrote."""
        with self._lock:
            self._writes.extend(writes)
            for write in writes:
                if write.outcome == REFUSED or write.slot != EXISTS:
                    continue
                if write.value == NO:
                    self._living.pop(write.record, None)
                elif write.outcome == ACKNOWLEDGED:
                    self._living[write.record] = True

    def living(self, kind):
        """Records that were made and not cancelled since, as far as anybody knows."""
        with self._lock:
            return [record for record in self._living if record[0] == kind]

    def writes(self):
        with self._lock:
            return list(self._writes)


def standing(writes):
    """The values of which one must be there in the end, given all writes of one slot.

    Each side's last acknowledged one; one without an answer may have been done, or be
    done late. Where two sides wrote the same slot, either's may have won. Empty while
    none was acknowledged: what was there before is not known.
    """
    if not any(write.outcome == ACKNOWLEDGED for write in writes):
        return set()
    edits = [write for write in writes if not write.makes]
    values = set().union(*(_last([w for w in edits if w.side == s]) for s in SIDES))
    if not any(write.outcome == ACKNOWLEDGED for write in edits):
        values |= _last([write for write in writes if write.makes])
    return values


def _last(writes):
    acknowledged = [write for write in writes if write.outcome == ACKNOWLEDGED]
    last = max(acknowledged, key=lambda write: write.began, default=None)
    values = {last.value} if last else set()
    return values | {
        write.value
        for write in writes
        if write.outcome == UNKNOWN and (not last or write.ended > last.began - LATE)
    }
