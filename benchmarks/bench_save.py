"""A person's save with the triggers that note what it changed, and without them.

The same transaction saves in turn with its table's triggers enabled and disabled, many
times: an order's quantity through the ORM, which is what a person does, and by bare
SQL of one row and of many, where nothing else hides the triggers.
"""

from statistics import median

from rig import environment, timed

ROUNDS, SAVES = 30, 20
MANY = 1000
TABLES = ("purchase_order", "purchase_order_line", "product_product")


def switch(env, state):
    """Enable or disable the triggers, for this transaction alone."""
    for table in TABLES:
        for kind in ("insert", "update", "delete"):
            env.cr.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass "
                "AND tgname LIKE %s",
                (table, f"sync_touched_%_{kind}"),
            )
            ((name,),) = env.cr.fetchall()
            env.cr.execute(f"ALTER TABLE {table} {state} TRIGGER {name}")


def make_order(env):
    supplier = env["res.partner"].create({"name": "Bench", "is_company": True})
    product = env["product.product"].create({"name": "Bench"})
    line = {"product_id": product.id, "product_qty": 1, "price_unit": 1}
    values = {"partner_id": supplier.id, "order_line": [(0, 0, line)] * 5}
    return env["purchase.order"].create(values)


def save(line):
    """What ``web_save`` of one quantity does, to the last statement."""
    for number in range(SAVES):
        line.product_qty = 2 + (line.product_qty + number) % 7
        line.env.cr.flush()


def write_one(env, product):
    for __ in range(SAVES):
        env.cr.execute(
            "UPDATE product_product SET default_code = default_code || '+' "
            "WHERE id = %s",
            [product.id],
        )


def write_many(env, ids):
    env.cr.execute(
        "UPDATE product_product SET default_code = default_code || '+' "
        "WHERE id = ANY(%s)",
        [ids],
    )


with environment() as env:
    order = make_order(env)
    products = env["product.product"].create(
        [{"name": f"Bench {n}", "default_code": f"B{n}"} for n in range(MANY)]
    )
    env.cr.flush()
    works = {
        f"save of a quantity, {SAVES} times": lambda: save(order.order_line[0]),
        f"SQL of one row, {SAVES} times": lambda: write_one(env, products[0]),
        f"SQL of {MANY} rows": lambda: write_many(env, products.ids),
    }
    print(f"\n{'ms':34}{'without':>9}{'with':>9}{'ratio':>9}")
    for name, work in works.items():
        times = {"ENABLE": [], "DISABLE": []}
        for number in range(ROUNDS):
            for state in sorted(times, reverse=number % 2):
                switch(env, state)
                work()
                # More in one transaction than a flood are noted no more.
                env.cr.execute(
                    "SELECT set_config('pharmacy_sync.sync_touched_' || name, '', true)"
                    " FROM unnest(%s) AS name",
                    [[*TABLES, "purchase_order_line_order_id"]],
                )
                times[state].append(timed(work) * 1000)
        without, net = median(times["DISABLE"]), median(times["ENABLE"])
        print(f"{name:34}{without:9.2f}{net:9.2f}{net / without:8.2f}x")
