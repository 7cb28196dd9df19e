"""Orders of which goods came, or that a person locked: what Odoo refuses of them,
whoever writes, and what is asked about before."""

from odoo.addons.pharmacy_sync.core.conflict.merge import generic_path
from odoo.addons.pharmacy_sync.core.conflict.protection import (
    NEVER,
    PROCESSED,
    Stage,
    asks,
)

from .odoo_records import DETAIL

ASKS = {
    "notes": NEVER,
    "date": NEVER,
    "state": PROCESSED,
    "supplier": PROCESSED,
    "lines": PROCESSED,
}


class Receipts:
    """:ivar goods: ``{record: {key of a line: quantity that came}}``
    :ivar locked: records that a person locked
    :ivar refused: how often Odoo refused something
    """

    def __init__(self):
        self.goods, self.locked = {}, set()
        self.refused = 0

    def __contains__(self, name):
        return name in self.goods or name in self.locked

    def receive(self, record):
        """All that was ordered comes."""
        self.goods[record["name"]] = {
            line["key"]: line["quantity"] for line in record["lines"]
        }

    def frozen(self, name):
        """Whether a person is asked, by path and value; None: never."""
        if name not in self:
            return None
        stage = Stage.RECEIVED if name in self.goods else Stage.LOCKED
        return lambda path, value: asks(
            ASKS, stage, generic_path(path).partition(".")[0], value
        )

    def takes(self, side, before, changes):
        """What Odoo takes of changes; see :func:`.declines.everything`."""
        if "lines" not in changes or before.get("name") not in self:
            return changes
        lines = list(self._lines(before, changes["lines"]))
        self.refused += lines != changes["lines"]
        return {**changes, "lines": lines}

    def allows(self, before, after):
        """Whether a person may change a record so: Odoo refuses all or nothing."""
        return self.takes("odoo", before, after)["lines"] == after["lines"]

    def _lines(self, before, wanted):
        """The lines that come of it. Locked: as they were. Else those of which goods
        came stay, of no less than came."""
        if before["name"] in self.locked:
            yield from before["lines"]
            return
        came = self.goods[before["name"]]
        old = {line["key"]: line for line in before["lines"]}
        new = {line["key"]: line for line in wanted}
        for key, line in new.items():
            quantity = line.get("quantity", "")
            if key in came and key in old and _number(quantity) < _number(came[key]):
                yield {**line, "quantity": old[key]["quantity"]}
            else:
                yield line
        yield from (line for key, line in old.items() if key in came and key not in new)


def _number(quantity):
    return int(quantity.partition(DETAIL)[0].removeprefix("v") or 0)
