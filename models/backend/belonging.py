from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..base.alone import alone
from .naming.stream_naming import CALLED


class SyncStream(models.Model):
    """Which of Odoo's records belong on the stream's backend.

    What is linked is synchronised in any case: the rule is about what the pharmacy app
    does not have yet. One app gets all records of its company, and those of no company.
    Where several apps could get a record, nothing is guessed: without a rule it goes to
    the app that was connected first, and what came from another app goes nowhere.
    """

    _inherit = "sync.stream"

    rule = fields.Selection(
        [
            ("all", "All records of the company"),
            ("filter", "Those that match"),
            ("linked", "Only what is linked already"),
        ],
        "What Is Sent",
        help="Which records of Odoo the pharmacy app gets. As long as nothing is "
        "chosen the only app gets all of its company; where several could get a "
        "record, the first that was connected does. A record that is linked, or that "
        "a sent one refers to, is sent in any case.",
    )
    rule_domain = fields.Char("Matching", help="Which records match.")
    rule_proposed = fields.Boolean(
        readonly=True,
        copy=False,
        help="An update of the addon set the rule; no person has confirmed it yet.",
    )
    withheld = fields.Char(
        "Not Sent", compute="_compute_withheld", help="What is not sent, and why."
    )

    @api.constrains("rule", "rule_domain", "entity")
    def _check_rule_domain(self):
        for stream in self.filtered(lambda s: s.rule == "filter"):
            # Whatever a person entered, PostgreSQL's refusal of it included.
            with alone(stream.env) as failure:
                domain = stream._rule_domain()
                stream.env[stream.res_model].search(domain, limit=1)
            if failure:
                raise ValidationError(
                    self.env._("That is no condition on %s.", stream.display_name)
                ) from failure.error

    def write(self, vals):
        if {"rule", "rule_domain"} & vals.keys():
            vals = {"rule_proposed": False, **vals}
        if CALLED & vals.keys():
            # The app's records are read otherwise: all of them once more.
            vals = {"cursor": False, **vals}
        if not {"direction", "active"} & vals.keys():
            return super().write(vals)
        pushed = self.filtered("pushes")
        result = super().write(vals)
        now = self.filtered("pushes")
        if ended := pushed - now:
            ended._sends_no_more()
        # What Odoo changed meanwhile nobody noted for these.
        self.env["sync.entity"]._send_anew(now - pushed)
        return result

    def _sends_no_more(self):
        """These carry nothing to the pharmacy from now on; each room ends its part."""

    def action_confirm_rule(self):
        """The rule that an update proposed is what people want."""
        self.rule_proposed = False

    def _chosen(self):
        """What a person chose of what is exchanged, to be compared."""
        return [self.active, self.direction, self.rule, self.rule_domain or ""]

    def _rule_domain(self):
        return Domain(literal_eval(self.rule_domain or "[]"))

    # -- Of several apps --------------------------------------------------------------

    def _rivals(self):
        """The backends that the stream's records could go to as well."""
        self.ensure_one()
        following = self._following().get(self.entity, ())
        ids = [backend for stream, backend in following if stream != self.id]
        return self.env["sync.backend"].sudo().browse(ids)

    def _earlier(self):
        """Those of them that were connected before this one: they get what no rule
        gives to anyone."""
        return self._rivals().filtered(lambda b: b.id < self.backend_id.id)

    def _has_company(self):
        return "company_id" in self.env[self.res_model]._fields

    def _shares_records(self):
        """Whether records may be of no company, and so of all."""
        company = self.env[self.res_model]._fields.get("company_id")
        return company is None or not company.required

    @api.depends("rule", "direction", "active", "backend_id.active")
    def _compute_withheld(self):
        for stream in self:
            undecided = stream.pushes and stream.backend_id.active and not stream.rule
            earlier = stream._earlier() if undecided else self.env["sync.backend"]
            if stream.backend_id.company_id in earlier.company_id:
                stream.withheld = self.env._(
                    "Another pharmacy app of this company was connected before. Only "
                    "what is linked already, and what it refers to, is sent until you "
                    "choose which records belong here."
                )
            elif earlier and stream._shares_records():
                stream.withheld = self.env._(
                    "Another pharmacy app was connected before. Records of no company "
                    "are sent only if they are linked already, or a sent one refers "
                    "to them, until you choose which records belong here."
                )
            else:
                stream.withheld = False

    @api.model
    def _propose_rules(self):
        """Where several apps got the same records, all but the first go on with what
        is linked, until a person chooses."""
        following = self._following().values()
        streams = self.browse(stream for found in following for stream, __ in found)
        streams.filtered("withheld").write({"rule": "linked", "rule_proposed": True})

    # -- The rule ---------------------------------------------------------------------

    def _domain(self, ids=None):
        """Which of Odoo's records belong on the backend, linked or not.

        :param ids: of those that are looked at; None: all
        """
        self.ensure_one()
        own = self._adapter()._domain(self.backend_id)
        if self.rule:
            by_rule = {"all": Domain.TRUE, "linked": Domain.FALSE}
            return own & by_rule.get(self.rule, self._rule_domain())
        if not self._rivals():
            return own
        return own & self._undecided_domain() & ~self._foreign_domain(ids)

    def _undecided_domain(self):
        """What goes to this one of several backends without a rule."""
        earlier, company = self._earlier(), self.backend_id.company_id
        if not earlier:
            return Domain.TRUE
        if company in earlier.company_id or not self._has_company():
            return Domain.FALSE
        return Domain("company_id", "=", company.id)

    def _linked_domain(self, ids=None):
        """Records that have a counterpart here."""
        return self._mapped_domain(SQL("stream_id = %s", self.id), ids)

    def _foreign_domain(self, ids):
        """Records that came from another app."""
        return self._mapped_domain(SQL("stream_id <> %s AND arrived", self.id), ids)

    def _mapped_domain(self, condition, ids):
        if ids is not None:
            condition = SQL("%s AND res_id = ANY(%s)", condition, list(ids))
        mapped = SQL(
            "(SELECT res_id FROM sync_mapping WHERE res_model = %s "
            "AND res_id IS NOT NULL AND deleted IS NOT TRUE AND %s)",
            self.res_model,
            condition,
        )
        return Domain("id", "in", mapped)

    def _belonging(self, records):
        """Those of ``records`` that belong on the backend, linked or not."""
        return self._among(records, self._domain(records.ids))

    def _concerned(self, records):
        """Those that belong on the backend, and those that are linked."""
        ids = records.ids
        return self._among(records, self._domain(ids) | self._linked_domain(ids))

    def _among(self, records, domain):
        everything = records.with_context(active_test=False)
        return records & everything.search(domain & Domain("id", "in", records.ids))

    @api.model
    def _concerned_streams(self, changed):
        """Which streams changes concern.

        :param changed: ``(entity, res_id)`` of each
        :return: ``{(entity, res_id): [(stream id, backend id), ...]}``
        """
        following = self._following()
        found = {key: [] for key in changed}
        for entity, streams in following.items():
            ids = [res_id for name, res_id in changed if name == entity]
            for stream_id, backend_id in streams if ids else ():
                stream = self.browse(stream_id)
                concerned = set(ids)
                if len(streams) > 1:
                    concerned = stream._concerned_ids(ids)
                for res_id in ids:
                    if res_id in concerned:
                        found[entity, res_id].append((stream_id, backend_id))
        return found

    def _concerned_ids(self, ids):
        """Like :meth:`_concerned`; one that is gone concerns every backend that it may
        have been sent to."""
        records = self.env[self.res_model].browse(ids)
        there = records.exists()
        gone = (records - there).ids
        rows = self.env.execute_query(
            SQL(
                "SELECT res_id, bool_or(stream_id = %s) FROM sync_mapping "
                "WHERE res_model = %s AND res_id = ANY(%s) GROUP BY res_id",
                self.id,
                self.res_model,
                gone,
            )
        )
        elsewhere = {res_id for res_id, here in rows if not here}
        return {*self._concerned(there)._ids, *gone} - elsewhere
