"""A record that kills its worker: its neighbours land, and it ends as a failed change
that bears its name."""

import time

import pytest
import requests
from system_servers import poll

POISON = "Poison"
# Deaths until the neighbours have landed: the one that shows it, one while they are
# tried singly.
FIRST = 2
# And until the record is given up.
ALL = 3
LIMIT = 150  # seconds


@pytest.fixture(scope="module")
def stack(make_stack):
    stack = make_stack("poison", POISON)
    yield stack
    assert not stack.odoo.has_died()


class Supervisor:
    """Starts the server again whenever it has died, and has the recovery look."""

    def __init__(self, stack):
        self.stack = stack
        self.deaths = 0

    def until(self, condition, what):
        limit = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < limit, f"{what}; deaths: {self.deaths}"
            if self.stack.odoo.has_died():
                self._start()
            poll(lambda: self.stack.odoo.has_died() or condition(), 2)

    def _start(self):
        self.deaths += 1
        try:
            self.stack.odoo.start()
            self.stack.trigger("cron_recover")
        except (AssertionError, requests.RequestException, OSError, EOFError):
            # It died again meanwhile.
            assert poll(self.stack.odoo.has_died, 10)


def test_outgoing(stack):
    names = [f"Neighbour {n}" for n in range(3)]
    values = {"is_company": True, "supplier_rank": 1}
    everybody = [*names[:1], POISON, *names[1:]]
    stack.model("res.partner", "manager").create(
        [
            {"name": name, "vat": f"ESB1234567{n}", **values}
            for n, name in enumerate(everybody)
        ]
    )
    supervisor = Supervisor(stack)
    supervisor.until(
        lambda: set(names) <= _at_app(stack), "the neighbours are at the pharmacy"
    )
    assert supervisor.deaths <= FIRST
    supervisor.until(lambda: _dead(stack), "the record is a failed change")
    assert supervisor.deaths <= ALL
    (dead,) = _dead(stack)
    assert (dead["kind"], dead["name"], dead["type"]) == (
        *("push", POISON),
        "resource_exhausted",
    )
    assert POISON not in _at_app(stack)
    _assert_calm(stack, supervisor)
    assert stack.value("SELECT count(*) FROM sync_event WHERE state = 'pending'") == 0


def test_arriving(stack):
    names = [f"Arrival {n}" for n in range(3)]
    dead_before = len(_dead(stack))
    stack.set_paused(True)
    for n, name in enumerate([*names[:1], POISON, *names[1:]]):
        stack.app.create("suppliers", name=name, vat=f"ESB7654321{n}")
    stack.set_paused(False)
    stack.trigger("cron_pull")
    supervisor = Supervisor(stack)
    supervisor.until(lambda: set(names) <= _in_odoo(stack), "the neighbours are here")
    assert supervisor.deaths <= FIRST
    supervisor.until(
        lambda: len(_dead(stack)) > dead_before, "the record is a failed change"
    )
    assert supervisor.deaths <= ALL
    dead = _dead(stack)[-1]
    assert (dead["kind"], dead["payload"]["name"], dead["type"]) == (
        *("apply", POISON),
        "resource_exhausted",
    )
    _assert_calm(stack, supervisor)


def _at_app(stack):
    return {item["name"] for item in stack.app.items("suppliers")}


def _in_odoo(stack):
    return {row["name"] for row in stack.query("SELECT name FROM res_partner")}


def _dead(stack):
    return stack.query(
        "SELECT o.kind, o.payload, p.name, e.type FROM sync_operation o "
        "JOIN sync_error e ON e.operation_id = o.id "
        "LEFT JOIN sync_mapping m ON m.id = o.mapping_id "
        "LEFT JOIN res_partner p ON p.id = m.res_id "
        "WHERE o.state = 'dead' ORDER BY o.id"
    )


def _assert_calm(stack, supervisor):
    """Work goes on, and the worker dies no more."""
    deaths = supervisor.deaths
    orders = stack.make_orders(1)
    supervisor.until(
        lambda: stack.operations(orders, "done"), "an order is at the pharmacy"
    )
    assert supervisor.deaths == deaths
    stack.settle()
