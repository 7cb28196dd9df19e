from odoo.tests import new_test_user, tagged

from ..common import SyncCase

ENDED, OPEN = 4000, 40
LIMIT, LONG = 80, 400
MANY_RECORDS = 11_000
# Rows that a page may read besides: of streams, mappings, figures.
SLACK = 250
# Operations of three days ago, the open ones among those that ended.
OPERATIONS = """
    INSERT INTO sync_operation (kind, state, stream_id, backend_id, company_id,
        attempts, correlation_id, requested_at, done_at, create_date)
    SELECT CASE WHEN i %% 2 = 0 THEN 'push' ELSE 'apply' END,
           CASE i %% %(every)s WHEN 1 THEN 'dead' WHEN 3 THEN 'waiting'
                               ELSE 'done' END,
           %(stream)s, %(backend)s, %(company)s, 1, 'cost' || i, at,
           CASE WHEN i %% %(every)s <> 3 THEN at END, at
      FROM (SELECT i, now() at time zone 'UTC' - interval '3 days'
                      - i * interval '1 second' AS at
              FROM generate_series(1, %(count)s) AS i) AS made"""
MAPPINGS = """
    INSERT INTO sync_mapping (stream_id, backend_id, company_id, res_model, res_id,
        key, external_id, state, version)
    SELECT %(stream)s, %(backend)s, %(company)s, 'res.partner', 10000000 + i,
           'cost' || i, 'cost' || i, 'synced', 1
      FROM generate_series(1, %(count)s) AS i"""


@tagged("post_install", "-at_install")
class TestPageCost(SyncCase):
    """The cost of a page grows with what is open, not with the log: each statement is
    explained, and the rows that it visited are counted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.operator = new_test_user(
            cls.env, "cost_operator", "pharmacy_sync.group_operator"
        )
        cls.streams = cls.backend.stream_ids.sorted("rank")

    def fill(self, statement, table, count, **values):
        ids = {"backend": self.backend.id, "company": self.backend.company_id.id}
        values = {**ids, "stream": self.streams[0].id, "count": count, **values}
        self.env.cr.execute(statement, values)
        self.env["sync.metric"]._roll_up_due()
        # As PostgreSQL does by itself, sooner or later. What earlier tests rolled back
        # fills tables and indexes until then, those of open work most of all: to read
        # them would seem to cost more than to read all of so short a log.
        for name in (table, "sync_metric"):
            self.env.cr.execute(f"CLUSTER {name} USING {name}_pkey")
            self.env.cr.execute(f"ANALYZE {name}")

    def fill_operations(self, opened=OPEN):
        """So many that wait, so many dead ones, and all others done."""
        every = ENDED // opened
        self.fill(OPERATIONS, "sync_operation", ENDED, every=every)

    def cost(self, model, method, *args, **options):
        """Opens a page: its answer, and the rows visited for it."""
        self.env.flush_all()
        self.env.invalidate_all()
        statements, execute = [], type(self.env.cr).execute

        def note(cr, query, params=None, log_exceptions=True):
            execute(cr, query, params, log_exceptions)
            statements.append(cr._obj.query.decode())

        self.patch(type(self.env.cr), "execute", note)
        page = self.env[model].with_user(self.operator)
        answer = getattr(page, method)(*args, **options)
        self.patch(type(self.env.cr), "execute", execute)
        reads = [s for s in statements if s.lstrip().startswith(("SELECT", "WITH"))]
        return answer, sum(map(self._visited, reads))

    def _visited(self, statement):
        # Tables of a test are so small that to read them whole may be the quickest.
        self.env.cr._obj.execute("SET LOCAL enable_seqscan = off")
        self.env.cr._obj.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        ((explained,),) = self.env.cr._obj.fetchall()
        return _rows(explained[0]["Plan"])

    def open_list(self, model, domain, *names):
        return self.cost(
            model,
            "web_search_read",
            domain,
            {name: {} for name in names},
            limit=LIMIT,
            count_limit=10_001,
        )

    def test_queue(self):
        self.fill_operations(LONG)
        queued = [("state", "in", ("pending", "running", "waiting"))]
        answer, visited = self.open_list("sync.operation", queued, "kind", "why")
        self.assertEqual(answer["length"], LONG)
        self.assertLess(visited, LONG + LIMIT + SLACK)

    def test_failed_changes(self):
        self.fill_operations(LONG)
        dead = [("state", "=", "dead")]
        answer, visited = self.open_list("sync.operation", dead, "kind", "why")
        self.assertEqual(answer["length"], LONG)
        self.assertLess(visited, LONG + LIMIT + SLACK)

    def test_to_do(self):
        self.fill_operations()
        self.fill(MAPPINGS, "sync_mapping", MANY_RECORDS)
        self.env.cr.execute(
            """UPDATE sync_operation o SET mapping_id = m.id FROM sync_mapping m
                WHERE o.state = 'dead' AND o.correlation_id = m.key"""
        )
        answer, visited = self.open_list("sync.todo", [], "title", "count", "amount")
        self.assertEqual(answer["length"], OPEN)
        self.assertLess(visited, 20 * OPEN + SLACK)

    def test_streams(self):
        events = self.streams[0].waiting_count
        self.fill_operations()
        names = ("standing", "sent_at", "waiting_count", "lag", "mapping_count")
        answer, visited = self.open_list("sync.stream", [], *names)
        first = answer["records"][0]
        self.assertEqual(first["waiting_count"], events + OPEN)
        self.assertTrue(first["sent_at"])
        self.assertLess(visited, 10 * OPEN + SLACK)

    def test_records_of_a_stream_are_counted_up_to_a_number(self):
        self.fill(MAPPINGS, "sync_mapping", 30)
        counts = self.streams.mapped("mapping_count")
        self.assertEqual(counts, ["30", *["0"] * (len(counts) - 1)])
        self.env["sync.mapping"].search([]).unlink()
        self.fill(MAPPINGS, "sync_mapping", MANY_RECORDS)
        answer, visited = self.open_list("sync.stream", [], "mapping_count")
        self.assertEqual(answer["records"][0]["mapping_count"], "10000+")
        self.assertLess(visited, 10_001 + SLACK)

    def test_backends(self):
        self.fill_operations()
        names = ("standing", "operation_count", "dead_count", "conflict_count")
        answer, visited = self.open_list("sync.backend", [], *names)
        row = next(r for r in answer["records"] if r["id"] == self.backend.id)
        self.assertEqual((row["operation_count"], row["dead_count"]), (OPEN, OPEN))
        self.assertLess(visited, 10 * OPEN + SLACK)

    def test_overview(self):
        self.fill_operations()
        answer, visited = self.cost("sync.overview", "data", [self.backend.id])
        self.assertEqual(answer["queue"]["waiting"], OPEN)
        self.assertEqual(answer["dead_letters"]["count"], OPEN)
        self.assertLess(visited, 10 * OPEN + SLACK)


def _rows(plan):
    """Rows of this addon's tables that a plan returned or passed over."""
    own = 0
    if plan.get("Relation Name", "").startswith("sync_"):
        removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        each = plan["Actual Rows"] + sum(plan.get(name, 0) for name in removed)
        own = each * plan["Actual Loops"]
    return own + sum(map(_rows, plan.get("Plans", ())))
