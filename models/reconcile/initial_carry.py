from odoo import models

from ..base.own_transaction import apart

BATCH = 100


class SyncInitialPart(models.Model):
    """Carrying out what the preview says, a batch of lines a step, by the roads that
    every later change takes as well."""

    _inherit = "sync.initial.part"

    def _carry_step(self):
        """The next lines of this stream: links first, for what is created may refer
        to what they link."""
        job_uuid = self.env.context.get("job_uuid")
        action, ids = apart(self._next_lines, job_uuid)
        if not ids:
            apart(self._set_carried)
        elif action == "link":
            apart(self._carry_link, ids)
        elif action == "create_odoo":
            apart(self._carry_create_odoo, ids)
        else:
            apart(self._request_creation, ids)
            # The call is made here, while no transaction is open.
            self.stream_id._push_batch(job_uuid, resting=True)
            apart(self._settle_creation, ids)

    def _set_carried(self):
        self.step = "carried"

    def _next_lines(self, job_uuid):
        if job_uuid:
            self.env["sync.operation"]._take_back_of(job_uuid)
        for action in ("link", "create_odoo", "create_pharmacy"):
            lines = self._lines(
                ("state", "=", "planned"),
                ("action", "=", action),
                limit=min(BATCH, self.stream_id.batch_size),
            )
            if lines:
                return action, lines.ids
        return None, []

    def _carry_link(self, ids):
        lines = self.env["sync.initial.line"].browse(ids)
        winner = self.initial_id.winner
        results = self.stream_id._link(
            [(line.res_id, line.record) for line in lines],
            self.initial_id.correlation_id,
            None if winner == "ask" else winner,
        )
        for line in lines:
            self._end_line(line, results[line.external_id])

    def _carry_create_odoo(self, ids):
        lines = self.env["sync.initial.line"].browse(ids)
        correlation_id = self.initial_id.correlation_id
        arrivals = self.stream_id._apply(lines.mapped("record"), correlation_id)
        # What could not be applied is kept and tried again like any other.
        self.stream_id._keep_failed(arrivals, correlation_id)
        for line, arrival in zip(lines, arrivals, strict=True):
            line.res_id = arrival.res_id or line.res_id
            self._end_line(line, arrival.error)

    def _request_creation(self, ids):
        lines = self.env["sync.initial.line"].browse(ids)
        correlation_id = self.initial_id.correlation_id
        self.env["sync.operation"]._request_push(
            self.stream_id, dict.fromkeys(lines.mapped("res_id"), correlation_id)
        )

    def _settle_creation(self, ids):
        """What became of the records that were sent."""
        lines = self.env["sync.initial.line"].browse(ids)
        mappings = (
            self.env["sync.mapping"]
            .search(
                [
                    ("stream_id", "=", self.stream_id.id),
                    ("res_id", "in", lines.mapped("res_id")),
                ]
            )
            .grouped("res_id")
        )
        for line in lines:
            mapping = mappings.get(line.res_id, self.env["sync.mapping"])
            dead = mapping.operation_ids.filtered(lambda o: o.state == "dead")[:1]
            if mapping.external_id:
                self._end_line(line)
            elif dead:
                self._end_line(line, dead.last_error or dead.reason)
            elif mapping:
                self._end_line(line, reason=self.env._("In the queue."))
            else:
                self._end_line(line, self.env._("It does not belong here any more."))

    def _end_line(self, line, error=None, reason=False):
        """Mark a line as carried out, or failed, in the transaction that did it."""
        if line.state != "planned":
            return
        state = "failed" if error else "done"
        if error:
            reason = line.stream_id.backend_id._redact(str(error))
        line.write({"state": state, "reason": reason})
        self.initial_id._count(**{state: 1})
