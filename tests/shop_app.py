"""A shop's server that has never heard of the contract: ids are numbers, amounts are
floats, lists are bare arrays whose pages have numbers, states have codes, changes are
made by PUT, and there are neither versions nor keys of requests.

What it does not know it refuses, as strict applications do.
"""

import threading
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

from .json_server import served

BASE = "/rest/v2"
ARTICLE = {"id", "title", "codes", "cost_price", "hidden", "our_key", "modified"}
VENDOR = {"id", "company", "contact", "status", "our_key", "modified"}
ORDER = {
    *("id", "number", "vendor", "money", "status", "placed", "remarks", "rows"),
    *("our_key", "modified"),
}
ROW = {"tag", "article", "label", "qty", "cost"}
FIELDS = {"articles": ARTICLE, "vendors": VENDOR, "buying/orders": ORDER}


class Shop:
    """The shop's records: ``there``, ``{collection: {id: record}}``.

    :ivar asked: what it was asked, ``(method, path with query)``
    :ivar drop: how many answers to writes get lost from now on
    :ivar heeds_pages: whether it heeds the number of a page
    :ivar largest: how many records a page has at most
    :ivar refuses: statuses by ``(method, collection)``
    """

    def __init__(self):
        self.there = {name: {} for name in FIELDS}
        self.asked = []
        self.drop = 0
        self.heeds_pages = True
        self.largest = 100
        self.refuses = {}
        self.url = None
        self._now = datetime.now(timezone.utc) - timedelta(hours=1)
        self._last = 100
        self._lock = threading.Lock()

    def put(self, collection, record_id=None, **values):
        """Make a record as the shop's people do, or change one; the record."""
        with self._lock:
            self._now += timedelta(seconds=1)
            if record_id is None:
                self._last += 1
                record_id = self._last
            record = self.there[collection].setdefault(record_id, {"id": record_id})
            record.update(values, modified=self._now.strftime("%Y-%m-%d %H:%M:%S"))
            return record

    def records(self, collection):
        return list(self.there[collection].values())

    def answer(self, method, address, body, headers):
        """Status and what is answered."""
        self.asked.append((method, address))
        parts = urlsplit(address)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return self._answer(method, parts.path, query, body or {})

    def _answer(self, method, path, query, body):
        if not path.startswith(f"{BASE}/"):
            return 404, {"detail": "no such route"}
        place, __, number = path.removeprefix(f"{BASE}/").rpartition("/")
        if f"{place}/{number}".strip("/") in FIELDS:
            place, number = f"{place}/{number}".strip("/"), None
        if place not in FIELDS or not (number is None or number.isdigit()):
            return 404, {"detail": "no such route"}
        if number is not None and int(number) not in self.there[place]:
            return 404, {"detail": "no such record"}
        if (method, place) in self.refuses:
            return self.refuses[method, place], {"detail": "not for you"}
        if method == "GET":
            return self._read(place, number, query)
        if method not in ("POST", "PUT") or (method == "POST") != (number is None):
            return 405, {"detail": f"no {method} here"}
        wrong = _wrong(place, body)
        if wrong:
            return 422, {"detail": f"unknown or of a wrong kind: {', '.join(wrong)}"}
        record = self.put(place, number and int(number), **body)
        if place == "vendors":
            return 200, {"data": record}
        return (201, {"id": record["id"]}) if number is None else (204, None)

    def _read(self, place, number, query):
        if number is not None:
            record = self.there[place][int(number)]
            return 200, {"data": record} if place == "vendors" else record
        found = self.records(place)
        if "our_key" in query:
            found = [r for r in found if r.get("our_key") == query["our_key"]]
        if since := query.get("modified_after"):
            since = since.replace("T", " ").removesuffix("Z")
            found = [r for r in found if r["modified"] >= since]
        page = int(query.get("page", 1)) if self.heeds_pages else 1
        size = min(int(query.get("per_page", 10)), self.largest)
        return 200, found[(page - 1) * size : page * size]


def _wrong(place, body):
    """What of a record the shop does not take."""
    wrong = sorted(body.keys() - FIELDS[place])
    numbers = [("cost_price", body)]
    for row in body.get("rows", ()):
        wrong += sorted(row.keys() - ROW)
        numbers += [(name, row) for name in ("article", "qty", "cost")]
    numbers += [("id", body.get("vendor", {}))]
    wrong += [n for n, v in numbers if n in v and type(v[n]) not in (int, float)]
    return wrong


def serving():
    """A :class:`Shop` that serves at an address of its own."""
    return served(Shop())
