from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...client.answers import PATIENCE
from ...core import said
from ...core.check.envelope import as_record
from ...core.exceptions import InvalidDataError
from ...entities.directory import Directory
from ...entities.neutral import SOURCE_LANG
from ..base.actions import open_record
from ..base.own_transaction import apart
from ..base.rights import MANAGER, check_may
from ..exchange.arrival import Arrival

PAGE = 500
CHUNK = 500


class SyncInitialPart(models.Model):
    """One stream of an initial synchronisation: how far both sides were read."""

    _name = "sync.initial.part"
    _inherit = ["sync.bounded"]
    _description = "Stream of an Initial Synchronisation"
    _order = "rank, id"
    _rec_name = "stream_id"

    initial_id = fields.Many2one(
        "sync.initial", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="initial_id.company_id", store=True)
    stream_id = fields.Many2one("sync.stream", required=True, ondelete="cascade")
    entity = fields.Selection(string="Type", related="stream_id.entity")
    rank = fields.Integer(related="stream_id.rank", store=True)
    step = fields.Selection(
        [
            ("pharmacy", "Reading the Pharmacy"),
            ("match", "Matching"),
            ("odoo", "Reading Odoo"),
            ("done", "Ready"),
            ("carried", "Done"),
        ],
        required=True,
        default="pharmacy",
        readonly=True,
    )
    chosen = fields.Json(readonly=True, help="What belonged here when it was read.")
    outdated = fields.Boolean(
        compute="_compute_belongs",
        help="Something else belongs here since it was read.",
    )
    belongs = fields.Char("What Belongs Here", compute="_compute_belongs")
    cursor = fields.Char(readonly=True, help="How far the change feed was read.")
    position = fields.Integer(readonly=True, help="Last record looked at.")
    in_step_count = fields.Integer("Linked Already", readonly=True)
    link_count = fields.Integer("Link", compute="_compute_counts")
    create_odoo_count = fields.Integer("Create in Odoo", compute="_compute_counts")
    create_pharmacy_count = fields.Integer(
        "Create at the Pharmacy", compute="_compute_counts"
    )
    leave_count = fields.Integer("Leave", compute="_compute_counts")
    done_count = fields.Integer("Done", compute="_compute_counts")
    failed_count = fields.Integer("Failed", compute="_compute_counts")

    def _compute_counts(self):
        groups = self.env["sync.initial.line"]._read_group(
            [("initial_id", "in", self.initial_id.ids)],
            ["initial_id", "stream_id", "action", "state"],
            ["__count"],
        )
        for part in self:
            own = [
                (action, state, count)
                for initial, stream, action, state, count in groups
                if initial == part.initial_id and stream == part.stream_id
            ]
            for name in ("link", "create_odoo", "create_pharmacy", "leave"):
                part[f"{name}_count"] = sum(n for a, __, n in own if a == name)
            for name in ("done", "failed"):
                part[f"{name}_count"] = sum(n for __, s, n in own if s == name)

    @api.depends(
        "chosen",
        "stream_id.direction",
        "stream_id.rule",
        "stream_id.rule_domain",
        "stream_id.withheld",
    )
    def _compute_belongs(self):
        rules = dict(self.stream_id._fields["rule"]._description_selection(self.env))
        for part in self:
            stream = part.stream_id
            part.outdated = part.chosen not in (False, None, stream._chosen())
            if not stream.pushes:
                part.belongs = self.env._("Nothing is sent")
            elif stream.withheld:
                part.belongs = self.env._("Not chosen yet")
            else:
                part.belongs = rules[stream.rule or "all"]

    def action_choose(self):
        """Open what belongs to the pharmacy of this kind of record.

        :raises AccessError: the user is no manager
        """
        message = self.env._("Only managers may choose what belongs here.")
        check_may(self, MANAGER, message)
        self.ensure_one()
        return {
            **open_record(self.stream_id),
            "name": self.env._("What Belongs to %s", self.stream_id.backend_id.name),
            "views": [
                (self.env.ref("pharmacy_sync.sync_stream_view_choose").id, "form")
            ],
            "target": "new",
        }

    def _lines(self, *domain, limit=None):
        return self.env["sync.initial.line"].search(
            [
                ("initial_id", "=", self.initial_id.id),
                ("stream_id", "=", self.stream_id.id),
                *domain,
            ],
            order="id",
            limit=limit,
        )

    def _directory(self):
        return _PlannedDirectory(self)

    # -- Reading ----------------------------------------------------------------------

    def _read_step(self):
        """One page of the pharmacy, or one piece of Odoo.

        The pharmacy is read from the beginning of its change feed: that has each
        record once, and the cursor from which ordinary reading goes on afterwards.
        """
        step, cursor, correlation_id = apart(self._where)
        if step != "pharmacy":
            apart(self._read_match if step == "match" else self._read_odoo)
            return
        client = self.stream_id.backend_id._client("pull", "reporting")
        # A person looks it through: a record of another shape ends no reading.
        page = self.stream_id._read_page(
            client, cursor, PAGE, correlation_id, tries=PATIENCE
        )
        apart(self._store_page, page)

    def _where(self):
        return self.step, self.cursor, self.initial_id.correlation_id

    def _store_page(self, page):
        """Write down the pharmacy's records that have no counterpart."""
        arrivals = [Arrival(as_record(change)) for change in page["changes"]]
        bad = [a for a in arrivals if not self.stream_id._read_envelope(a)]
        self.stream_id._keep_failed(bad, self.initial_id.correlation_id)
        records = {
            arrival.external_id: arrival.record
            for arrival in arrivals
            if not arrival.error and not arrival.record.get("deleted")
        }
        mapped = self._mapped_among(external_ids=records)
        self.stream_id._note_decided(page["changes"], mapped)
        self._lines(("external_id", "in", list(records))).unlink()
        self.env["sync.initial.line"].create(
            [
                {
                    "initial_id": self.initial_id.id,
                    "stream_id": self.stream_id.id,
                    "external_id": external_id,
                    "pharmacy_name": _name(record),
                    "record": record,
                }
                for external_id, record in records.items()
                if external_id not in mapped
            ]
        )
        self.write(
            {
                "cursor": page["next_cursor"],
                "in_step_count": self.in_step_count + len(mapped),
                "step": "pharmacy" if page["has_more"] else "match",
            }
        )
        work = self.initial_id
        work.total += len(page["changes"])
        work._count(done=len(page["changes"]))

    def _mapped_among(self, res_ids=(), external_ids=()):
        """Those of the given ids that have a mapping."""
        column = "external_id" if external_ids else "res_id"
        rows = self.env.execute_query(
            SQL(
                "SELECT %s FROM sync_mapping WHERE stream_id = %s AND %s = ANY(%s)",
                SQL.identifier(column),
                self.stream_id.id,
                SQL.identifier(column),
                list(external_ids or res_ids),
            )
        )
        return {row[0] for row in rows}

    # -- Matching ---------------------------------------------------------------------

    def _read_match(self):
        """Look for Odoo's counterparts of the next of the pharmacy's records."""
        lines = self._lines(("id", ">", self.position), limit=CHUNK)
        if not lines:
            self._leave_claimed_twice()
            self.write({"step": "odoo", "position": 0})
            domain = self._odoo_domain()
            count = self.env[self.stream_id.res_model].search_count(domain)
            self.initial_id.total += count
            return
        adapter, directory = self.stream_id._adapter(), self._directory()
        incoming = {}
        for line in lines:
            try:
                incoming[line.external_id] = adapter._canonical(line.record, directory)
            except InvalidDataError as exc:
                reason = self.stream_id.backend_id._redact(str(exc))
                line.write({"action": "leave", "reason": reason})
        found = adapter._candidates(self.stream_id.backend_id, incoming, directory)
        records = self.env[self.stream_id.res_model].browse(
            {res_id for res_ids, __ in found.values() for res_id in res_ids}
        )
        odoo = adapter._serialise(records, directory)
        names = {record.id: record.display_name for record in records}
        for line in lines.filtered(lambda r: r.external_id in incoming):
            res_ids, key = found.get(line.external_id, ((), None))
            line.write(self._plan(line, incoming, res_ids, key, odoo, names))
        self.position = lines[-1].id

    def _plan(self, line, incoming, res_ids, key, odoo, names):
        """Values of a line: what to do with a record of the pharmacy."""
        if len(res_ids) == 1:
            (res_id,) = res_ids
            compared = self.stream_id._directions().compared
            names_differing = self.stream_id._adapter()._differing(
                compared(odoo[res_id]), compared(incoming[line.external_id])
            )
            return {
                "action": "link",
                "res_id": res_id,
                "odoo_name": names[res_id],
                "matched_by": key,
                "differs": ", ".join(names_differing),
            }
        if res_ids:
            return {
                "action": "leave",
                "ambiguous": True,
                "candidates": res_ids,
                "matched_by": key,
                "reason": said.say(
                    said.SEVERAL_IN_ODOO,
                    key=self._source_title(key),
                    names=", ".join(names[res_id] for res_id in res_ids),
                ),
            }
        if not self.stream_id.pulls:
            reason = said.NOT_READ_HERE
            return {"action": "leave", "reason": reason}
        return {"action": "create_odoo"}

    def _source_title(self, name):
        """What people call a field, in the words of the source."""
        stream = self.stream_id.with_context(lang=SOURCE_LANG)
        return stream._adapter()._field_title(name)

    def _leave_claimed_twice(self):
        """Several records of the pharmacy that would be linked with the same one."""
        Line = self.env["sync.initial.line"]
        claims = Line._read_group(
            [
                ("initial_id", "=", self.initial_id.id),
                ("stream_id", "=", self.stream_id.id),
                ("action", "=", "link"),
            ],
            ["res_id"],
            ["id:recordset"],
            having=[("__count", ">", 1)],
        )
        for res_id, lines in claims:
            lines.write(
                {
                    "action": "leave",
                    "ambiguous": True,
                    "candidates": [res_id],
                    "res_id": False,
                    "reason": said.say(said.SEVERAL_THERE, lines[0].odoo_name),
                }
            )

    # -- Odoo -------------------------------------------------------------------------

    def _odoo_domain(self):
        return self.stream_id._domain()

    def _read_odoo(self):
        """Write down the next records of Odoo that have no counterpart; archived ones
        need none."""
        records = self.env[self.stream_id.res_model].search(
            self._odoo_domain() & Domain("id", ">", self.position),
            order="id",
            limit=CHUNK,
        )
        if not records:
            self.step = "done"
            return
        mapped = self._mapped_among(res_ids=records.ids)
        linked = set(self._lines(("res_id", "in", records.ids)).mapped("res_id"))
        unsure = {
            res_id: line
            for line in self._lines(("ambiguous", "=", True))
            for res_id in line.candidates or ()
        }
        self.env["sync.initial.line"].create(
            [
                {
                    "initial_id": self.initial_id.id,
                    "stream_id": self.stream_id.id,
                    "res_id": record.id,
                    "odoo_name": record.display_name,
                    **self._plan_odoo(unsure.get(record.id)),
                }
                for record in records
                if record.id not in mapped and record.id not in linked
            ]
        )
        self.position = records[-1].id
        self.initial_id._count(done=len(records))

    def _plan_odoo(self, unsure):
        if unsure:
            name = unsure.pharmacy_name
            reason = said.say(said.MAY_BE, name)
            return {"action": "leave", "reason": reason, "ambiguous": True}
        if not self.stream_id.pushes:
            reason = said.NOT_SENT_HERE
            return {"action": "leave", "reason": reason}
        return {"action": "create_pharmacy"}


def _name(record):
    name = record.get("name") or record.get("reference")
    return isinstance(name, str) and name


class _PlannedDirectory(Directory):
    """A directory that takes planned links for mappings, so that an order is compared
    as it will be once its supplier and products are linked."""

    def __init__(self, part):
        super().__init__(part.stream_id.backend_id)
        self._part = part

    def load(self, entity, res_ids=(), external_ids=()):
        super().load(entity, res_ids, external_ids)
        known = self._external_ids.setdefault(entity, {})
        known_back = self._res_ids.setdefault(entity, {})
        missing = [res_id for res_id in res_ids if not known.get(res_id)]
        missing_back = [ext for ext in external_ids if not known_back.get(ext)]
        if not missing and not missing_back:
            return
        planned = self._env["sync.initial.line"].search_fetch(
            Domain("initial_id", "=", self._part.initial_id.id)
            & Domain("stream_id.entity", "=", entity)
            & Domain("action", "=", "link")
            & (
                Domain("res_id", "in", missing)
                | Domain("external_id", "in", missing_back)
            ),
            ["res_id", "external_id"],
        )
        for line in planned:
            known[line.res_id] = line.external_id
            known_back[line.external_id] = line.res_id
