"""The first page of every menu, and the overview, with a million errors against ten
thousand.

Rows are made by SQL: errors over 30 days, and groups, calls, operations, events and
mappings in proportion. Each page is opened as the web client opens it: what the
default view asks for (``web_search_read`` with its count, ``web_read_group`` or
``formatted_read_group``) over JSON-RPC, with the action's domain and default filters.
The same server opens each page in turn of two databases: one with few rows, and its
copy, to which the rest is added. What counts is CPU time, of Odoo's process and of
PostgreSQL's, which the machine's load hardly changes: PostgreSQL must be on the same
machine. A page over twice as dear is marked.
"""

import os
from ast import literal_eval
from pathlib import Path
from statistics import median

import psycopg2
from lxml import etree
from rig import DATABASE, ODOO_PID, Client, connect, query, shell, timed

FEW, MANY = 10_000, 1_000_000
# Odoo's CPU time is told in hundredths of a second: so many pages are opened for each
# figure.
ROUNDS, OPENED = 4, 10
TICKS = os.sysconf("SC_CLK_TCK")
LIMIT, COUNT_LIMIT = 80, 10_001
BOUND = 2.0
# Generated rows, by the number ``i`` of an error; each table has its share of them.
ROWS = {
    "sync_error_group": (
        0.001,
        """(backend_id, company_id, fingerprint, type, category, severity, message,
            count, state, first_seen, last_seen, create_date)
           SELECT {backend}, {company}, 'bench' || i, 'service_unavailable',
                  'transient', 'medium', 'Bench failure ' || i, 1000,
                  (ARRAY['new', 'resolved'])[1 + i %% 2], now(),
                  now() - i * interval '1 second', now()""",
    ),
    "sync_mapping": (
        0.05,
        """(stream_id, backend_id, company_id, res_model, res_id, key, external_id,
            state, version, create_date)
           SELECT {stream}, {backend}, {company}, 'res.partner', 10000000 + i,
                  'bench' || i, 'bench' || i,
                  CASE WHEN i %% 100 = 0 THEN 'conflict' ELSE 'synced' END, 1, now()""",
    ),
    "sync_operation": (
        0.3,
        """(kind, state, stream_id, backend_id, company_id, mapping_id, attempts,
            correlation_id, requested_at, done_at, reason, create_date)
           SELECT (ARRAY['push', 'apply'])[1 + i %% 2], state, {stream}, {backend},
                  {company}, NULL, 1 + i %% 3, 'bench' || i, at,
                  CASE WHEN state <> 'waiting' THEN at + interval '3 seconds' END,
                  'Bench', at""",
    ),
    "sync_call": (
        0.5,
        """(backend_id, operation, method, path, status, duration, items, retry,
            correlation_id, breaker_id, epoch, result, slow, create_date)
           SELECT {backend}, 'push', 'POST', '/api/v1/bench', 200, 0.1, 100,
                  i %% 20 = 0, 'bench' || i, {breaker}, 0,
                  CASE WHEN i %% 30 = 0 THEN 'failure' ELSE 'success' END, false, at""",
    ),
    "sync_event": (
        0.3,
        """(backend_id, company_id, stream_id, type, res_model, res_id,
            correlation_id, state, create_date, write_date)
           SELECT {backend}, {company}, {stream}, 'supplier_updated', 'res.partner',
                  10000000 + i %% 50000, 'bench' || i, 'done', at, at""",
    ),
    "sync_error": (
        1,
        """(backend_id, company_id, stream_id, attempt, correlation_id, fingerprint,
            group_id, type, category, severity, delivery, message, resolved,
            occurred_at, create_date)
           SELECT {backend}, {company}, {stream}, 1 + i %% 3, 'bench' || i,
                  'bench' || i %% 10,
                  (SELECT min(id) FROM sync_error_group) + i %% 10,
                  (ARRAY['service_unavailable', 'network_timeout',
                         'data_validation_failed'])[1 + i %% 3],
                  (ARRAY['transient', 'transient', 'business'])[1 + i %% 3],
                  (ARRAY['low', 'medium', 'high', 'critical'])[1 + i %% 4],
                  'answered', 'Bench failure', i %% 5 <> 0, at, at""",
    ),
}
SERIES = """ FROM (
    SELECT i, now() at time zone 'UTC' - random() * interval '30 days' AS at,
           CASE WHEN i %% 100 = 1 THEN 'dead' WHEN i %% 100 = 2 THEN 'waiting'
                WHEN i %% 100 = 3 THEN 'cancelled' ELSE 'done' END AS state
      FROM generate_series(%s::int, %s::int) AS i) AS series"""

FEWER = f"{DATABASE}_few"
admin = Client("admin", "admin")
backend, __ = connect(admin)
# The rows have no records behind them, which the recovery would notice and mend.
query("UPDATE ir_cron SET active = false")


def fill(first, last):
    """Rows of the errors number ``first`` to ``last``."""
    ((company, stream, breaker),) = query(
        """SELECT b.company_id, (SELECT min(id) FROM sync_stream
                                  WHERE backend_id = b.id AND entity = 'supplier'),
                  (SELECT min(id) FROM sync_breaker WHERE backend_id = b.id)
             FROM sync_backend b WHERE id = %s""",
        backend,
    )
    for table, (share, select) in ROWS.items():
        select = select.format(
            company=company, stream=stream, breaker=breaker, backend=backend
        )
        statement = f"INSERT INTO {table} {select} {SERIES}"
        query(statement, int(first * share) + 1, int(last * share))
    seconds = timed(shell, "env['sync.metric']._cron_roll_up()\nenv.cr.commit()\n")
    print(f"{last:9,} errors, rolled up in {seconds:.1f} s, start of Odoo included")
    connection = psycopg2.connect(f"dbname={DATABASE}")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for table in (*ROWS, "sync_metric"):
            cursor.execute(f"VACUUM ANALYZE {table}")
    connection.close()


def keep_few():
    """Copy the database as it is."""
    connection = psycopg2.connect("dbname=postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        # None may be at work in what is copied; Odoo connects anew.
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (DATABASE,),
        )
        cursor.execute(f'CREATE DATABASE "{FEWER}" TEMPLATE "{DATABASE}"')
    connection.close()


def pages(admin):
    """``{name: function}``: each opens one page."""
    (root,) = query(
        """SELECT res_id FROM ir_model_data
            WHERE module = 'pharmacy_sync' AND name = 'menu_root'"""
    )[0]
    menus = admin(
        "ir.ui.menu",
        "search_read",
        [("id", "child_of", root), ("action", "!=", False)],
        ["complete_name", "action"],
    )
    found = {}
    for menu in menus:
        model, action = menu["action"].split(",")
        name = menu["complete_name"].split("/", 1)[1]
        if model == "ir.actions.act_window":
            (action,) = admin(model, "read", [int(action)])
            if action["target"] != "new" and action["view_mode"] != "form":
                found[name] = page(admin, action)
    for span in ("24h", "7d", "30d"):
        found[f"Overview, {span}"] = lambda span=span: admin(
            "sync.overview", "data", [], span
        )
    found["(a page of Odoo's own, for comparison)"] = lambda: admin(
        "res.lang", "web_search_read", [], {"name": {}}, limit=LIMIT
    )
    return found


def page(admin, action):
    """A function that asks for what the action's first view shows."""
    kind = action["view_mode"].split(",")[0]
    view = next((id_ for id_, type_ in action["views"] if type_ == kind), False)
    search = action["search_view_id"] and action["search_view_id"][0]
    model = action["res_model"]
    answer = admin(model, "get_views", [(view, kind), (search, "search")])
    described = answer["models"][model]["fields"]
    views = {name: etree.fromstring(v["arch"]) for name, v in answer["views"].items()}
    domain = literal_eval(action["domain"] or "[]")
    groupby = []
    for key in literal_eval(action["context"] or "{}"):
        name = key.removeprefix("search_default_")
        for default in views["search"].iter("filter") if name != key else ():
            if default.get("name") == name:
                domain += literal_eval(default.get("domain") or "[]")
                context = literal_eval(default.get("context") or "{}")
                groupby += [context["group_by"]] if "group_by" in context else []
    arch = views[kind]
    if kind in ("graph", "pivot"):
        groupby += [
            field.get("name")
            + (f":{field.get('interval')}" if field.get("interval") else "")
            for field in arch.iter("field")
            if field.get("type") != "measure"
        ]
        return lambda: admin(
            model, "formatted_read_group", domain, groupby, ["__count"]
        )
    if arch.get("default_group_by"):
        groupby.append(arch.get("default_group_by"))
    specification = {
        field.get("name"): {"fields": {"display_name": {}}}
        if described[field.get("name")]["type"] == "many2one"
        else {}
        for field in arch.iterchildren("field")
        if field.get("optional") != "hide"
    }
    if groupby:
        return lambda: admin(
            model,
            "web_read_group",
            domain,
            groupby[:1],
            ["__count"],
            limit=LIMIT,
            unfold_read_specification=specification,
        )
    order = arch.get("default_order") or ""
    return lambda: admin(
        model,
        "web_search_read",
        domain,
        specification,
        **{"limit": LIMIT, "order": order, "count_limit": COUNT_LIMIT},
    )


def cpu():
    """CPU seconds so far, of Odoo's server and of each process of PostgreSQL's that
    serves one of the databases: ``{pid: seconds}``."""
    fields = Path(f"/proc/{ODOO_PID}/stat").read_text().rpartition(")")[2].split()
    found = {ODOO_PID: (int(fields[11]) + int(fields[12])) / TICKS}
    databases = [DATABASE, FEWER]
    for (pid,) in query(
        "SELECT pid FROM pg_stat_activity WHERE datname = ANY(%s)", databases
    ):
        path = Path(f"/proc/{pid}/schedstat")
        found[pid] = int(path.read_text().split()[0]) / 1e9 if path.exists() else 0
    return found


def milliseconds(function):
    """CPU time of opening a page."""
    before = cpu()
    for __ in range(OPENED):
        function()
    after = cpu()
    spent = sum(seconds - before.get(pid, 0) for pid, seconds in after.items())
    return 1000 * spent / OPENED


def measure(*sides):
    """``{name: (milliseconds of each side)}``, the medians of several rounds."""
    for side in sides:
        for function in side.values():
            function()
    rounds = [
        {name: [milliseconds(side[name]) for side in sides] for name in sides[0]}
        for __ in range(ROUNDS)
    ]
    return {
        name: tuple(map(median, zip(*(times[name] for times in rounds), strict=True)))
        for name in sides[0]
    }


fill(0, FEW)
keep_few()
fill(FEW, MANY)
found = measure(pages(Client("admin", "admin", FEWER)), pages(admin))
print(f"\n{'CPU milliseconds of the first page':40}{FEW:>11,}{MANY:>11,}{'ratio':>9}")
for name, (few, many) in found.items():
    mark = "  DEAR" if many / few > BOUND else ""
    print(f"{name:40}{few:11.1f}{many:11.1f}{many / few:8.1f}x{mark}")
