"""Runs all checks against one app."""

from ...core.call.deadline import Deadline
from . import abilities, basics
from .report import Finding, Report, State
from .sandbox import AbsentError, BrokenError, Sandbox

# Checks of what every app keeps: function and title.
BASICS = (
    (basics.health, "It says that it is well"),
    (basics.key, "It refuses a wrong key"),
    (basics.records, "Records are created, read and changed"),
    (basics.deletion, "Records are deleted"),
    (basics.amounts, "Amounts are exact"),
    (basics.orders, "Orders keep their lines"),
    (basics.pages, "Lists are read page by page"),
    (basics.errors, "Refusals say why"),
    (basics.correlation, "Correlation ids come back"),
)
# Checks of abilities: function, title, and what an app without it costs.
ABILITIES = (
    (
        abilities.batch,
        "Many records in one call",
        "Without it each record is a call of its own.",
    ),
    (
        abilities.change_feed,
        "What changed since a cursor",
        "Without it changes are read from the list, by updated_since.",
    ),
    (
        abilities.updated_since,
        "What changed since a time",
        "Without it, and without a feed of changes, the whole list is read, once an "
        "hour, and each linked record that is not listed is asked for by its id.",
    ),
    (
        abilities.if_match,
        "A change at an old version is refused",
        "Without it a change that the pharmacy makes at the same moment can be lost.",
    ),
    (
        abilities.idempotency_key,
        "A repeated request is carried out once",
        "Without it a record whose answer was lost is looked up before it is sent "
        "again.",
    ),
    (
        abilities.external_ref,
        "Records carry a key of Odoo's",
        "Without it a record whose answer was lost cannot be found: it can be doubled.",
    ),
    (
        abilities.checksums,
        "Sums say where both sides differ",
        "Without it a reconciliation reads every record.",
    ),
    (
        abilities.reservations,
        "Stock is held for an order",
        "Without it orders cannot be reserved.",
    ),
    (
        abilities.webhooks,
        "Changes are announced",
        "Without it changes arrive once a minute.",
    ),
)
CAPABILITIES = (
    abilities.capabilities,
    "It says what it can do",
    "Without it abilities are found by trying.",
)


def run(
    url,
    auth,
    *,
    internal=True,
    patience=30.0,
    seconds=600.0,
    seen=lambda finding: None,
):
    """Run the published contract against an app.

    Creates a few records in it, whose names begin with that of the report, and removes
    them again: suppliers, products, orders, a reservation and a subscription.

    :param url: base address of a sandbox
    :param auth: who asks, see :mod:`..auth`; a text is a bearer key
    :param internal: whether it may be at an internal address
    :param patience: seconds that one answer may take
    :param seconds: after which no further check is begun; what was created is removed
    :param seen: called with each :class:`Finding` as soon as it is known
    :return: a :class:`Report`; never raises for what an app answers
    """
    app = Sandbox(url, auth, internal, patience)
    findings, deadline = [], Deadline.after(seconds)

    def check(*one, declared=None):
        if deadline.remaining() <= 0:
            finding = _not_tried(*one)
        else:
            finding = _judged(_check(app, *one), declared)
        findings.append(finding)
        seen(finding)
        return finding

    try:
        if check(*BASICS[0]).state is State.HOLDS:
            for basic in BASICS[1:]:
                check(*basic)
            declared = _declared(check(*CAPABILITIES))
            for ability in ABILITIES:
                check(*ability, declared=declared)
    finally:
        left = app.clean()
    return Report(app.url, app.name, tuple(findings), left)


def _check(app, function, title, cost=""):
    app.begin()
    state = State.HOLDS
    try:
        why = function(app) or ""
    except AbsentError as exc:
        state, why = State.ABSENT, str(exc)
    except BrokenError as exc:
        state, why = State.BROKEN, str(exc)
    cost = cost if state is State.ABSENT else ""
    return Finding(function.__name__, title, state, why, cost, app.asked)


def _not_tried(function, title, cost=""):
    return Finding(
        function.__name__, title, State.BROKEN, "It was not tried: the time was over."
    )


def _declared(finding):
    """The abilities that the app declares, or None."""
    if finding.state is not State.HOLDS:
        return None
    return set(finding.asked[-1].answer["abilities"])


def _judged(finding, declared):
    """What the app says of itself must be so."""
    if declared is None:
        return finding
    has = finding.name in declared
    if has and finding.state is State.ABSENT:
        why = f"The app declares {finding.name}. {finding.why}"
        return Finding(
            finding.name, finding.title, State.BROKEN, why, asked=finding.asked
        )
    if not has and finding.state is State.HOLDS:
        why = "The app does not declare it."
        return Finding(
            finding.name, finding.title, State.HOLDS, why, asked=finding.asked
        )
    return finding
