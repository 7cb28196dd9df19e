"""Two people decide the same conflict at the same moment: one of them does."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

from system_servers import wait_until

ROUNDS = 6
SIDES = {"buyer": "odoo", "operator": "pharmacy"}


def make_conflicts(stack, count):
    orders = stack.synced_orders(count)
    stack.set_paused(True)
    for order in orders:
        lines = stack.at_app(order)["lines"]
        lines[0]["quantity"] = "8.00"
        stack.app.edit("purchase-orders", stack.external_id(order), lines=lines)
        stack.set_quantity(order, 5)
    stack.set_paused(False)
    stack.trigger("cron_pull")
    found = {}

    def are_found():
        for row in stack.query(
            "SELECT c.id, m.res_id FROM sync_conflict c JOIN sync_mapping m "
            "ON m.id = c.mapping_id WHERE c.state = 'open'"
        ):
            found[row["res_id"]] = row["id"]
        return set(orders) <= found.keys()

    wait_until(are_found, 30, "the conflicts are found")
    return {order: found[order] for order in orders}


def test_the_second_is_notified_and_nothing_is_applied_twice(stack):
    conflicts = make_conflicts(stack, ROUNDS)
    models = {login: stack.model("sync.conflict", login) for login in SIDES}
    for order, conflict in conflicts.items():
        room = models["buyer"].compare([conflict])
        (row,) = room["rows"]
        barrier = Barrier(len(SIDES))

        def decide(login, conflict=conflict, room=room, path=row["path"], b=barrier):
            choices = {path: {"choice": SIDES[login]}}
            b.wait()
            return models[login].resolve([conflict], choices, room["fingerprint"])

        with ThreadPoolExecutor() as pool:
            answers = dict(zip(SIDES, pool.map(decide, SIDES), strict=True))
        outcomes = {login: answer["outcome"] for login, answer in answers.items()}
        assert sorted(outcomes.values()) == ["resolved", "stale"]
        winner = next(login for login in SIDES if outcomes[login] == "resolved")
        loser = next(login for login in SIDES if login != winner)
        assert winner.capitalize() in answers[loser]["message"]
        stack.settle()
        stack.assert_in_step([order])
        wanted = {"odoo": 5, "pharmacy": 8}[SIDES[winner]]
        assert Decimal(stack.quantity(order)) == wanted
