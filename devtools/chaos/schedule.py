"""What goes wrong, and when: drawn from a seed, the same each time."""

import random
from dataclasses import dataclass, field

# Seconds between two troubles, and how long one lasts.
PAUSE = (3.0, 9.0)
LASTS = (2.0, 8.0)
# Faults of the app: what a rule says besides the kind.
FAULTS = {
    "error": {"status": 503},
    "rate_limit": {"retry_after": 2},
    "reset": {},
    "hang": {"seconds": 5.0},
    "latency": {"seconds": 2.0},
    "drip": {"bytes_per_second": 400},
    "lost_answer": {},
    "corrupt_json": {},
    "wrong_schema": {},
    "webhook_duplicate": {},
    "webhook_reorder": {"seconds": 3.0},
}
KINDS = (
    *("kill process",) * 3,
    "kill server",
    "kill app",
    "kill connections",
    "restart postgres",
    *("fault",) * 3,
)


@dataclass(frozen=True)
class Trouble:
    """One thing that goes wrong.

    :ivar at: seconds after the start of the storm
    :ivar kind: one of :data:`KINDS`
    :ivar server: number of the Odoo server that is meant
    :ivar pick: from 0 to 1: which of that server's processes
    :ivar lasts: seconds until it is mended
    :ivar rule: of a fault: what the app is given
    """

    at: float
    kind: str
    server: int
    pick: float
    lasts: float
    rule: dict = field(default_factory=dict)

    def __str__(self):
        more = {
            "kill process": f" of server {self.server + 1}",
            "kill server": f" {self.server + 1}, back after {self.lasts:.0f} s",
            "kill app": f", back after {self.lasts:.0f} s",
            "fault": f" {self.rule.get('kind')} for {self.lasts:.0f} s",
        }
        return f"{self.kind}{more.get(self.kind, '')}"


def draw(seed, seconds, servers=1):
    """All that goes wrong within so many seconds, in order of time.

    Kinds are dealt like cards: each has its turn before one comes again.
    """
    rng = random.Random(f"chaos {seed}")
    kinds, faults, troubles = [], [], []
    at = rng.uniform(*PAUSE)
    while at < seconds:
        kind = _deal(rng, kinds, KINDS)
        rule = _rule(rng, _deal(rng, faults, FAULTS)) if kind == "fault" else {}
        troubles.append(
            Trouble(
                at,
                kind,
                rng.randrange(servers),
                rng.random(),
                rng.uniform(*LASTS),
                rule,
            )
        )
        at += rng.uniform(*PAUSE)
    return troubles


def _deal(rng, cards, all_of_them):
    if not cards:
        cards.extend(all_of_them)
        rng.shuffle(cards)
    return cards.pop()


def _rule(rng, kind):
    rule = {"kind": kind, "probability": rng.choice((0.3, 0.6, 1.0)), **FAULTS[kind]}
    webhook = kind.startswith("webhook_")
    match = {"method": "WEBHOOK"} if webhook else {"path": "/api/v1/*"}
    return {**rule, "match": match}
