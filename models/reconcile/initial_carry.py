from odoo import api, models

from ...core import said
from ...core.event.routing import Route
from ...core.exceptions import SuspectedError
from ..base.own_transaction import apart

BATCH = 100
# What becomes of a change that was left to the queue.
ENDINGS = ("dead_letter_created", "dead_letter_redriven")


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
            self._carry_each(self._carry_link, ids)
        elif action == "create_odoo":
            self._carry_each(self._carry_create_odoo, ids)
        else:
            apart(self._request_creation, ids)
            # The call is made here, while no transaction is open.
            self.stream_id._push_batch(job_uuid, resting=True)
            apart(self._settle_creation, ids)

    def _carry_each(self, carry, ids):
        """Carry lines out together; what another worker had in hand when it died is
        carried out alone, after the others.

        :param carry: returns the ids of lines that it has put off
        """
        for line_id in apart(carry, ids):
            apart(carry, [line_id], True)

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

    def _carry_link(self, ids, suspected=False):
        lines = self.env["sync.initial.line"].browse(ids)
        winner = self.initial_id.winner
        results = self.stream_id._link(
            [(line.res_id, line.record) for line in lines],
            self.initial_id.correlation_id,
            None if winner == "ask" else winner,
            suspected,
        )
        errors = [results[line.external_id] for line in lines]
        for line, error in zip(lines, errors, strict=True):
            if error and not isinstance(error, SuspectedError):
                self.initial_id._record_failure(
                    error, line.display_name, stream_id=self.stream_id.id
                )
        return self._end_lines(lines, errors)

    def _carry_create_odoo(self, ids, suspected=False):
        lines = self.env["sync.initial.line"].browse(ids)
        correlation_id = self.initial_id.correlation_id
        arrivals = self.stream_id._apply_apart(
            lines.mapped("record"), correlation_id, suspected
        )
        # What could not be applied is kept and tried again like any other.
        kept = [a for a in arrivals if not isinstance(a.error, SuspectedError)]
        self.stream_id._keep_failed(kept, correlation_id)
        for line, arrival in zip(lines, arrivals, strict=True):
            line.res_id = arrival.res_id or line.res_id
        return self._end_lines(lines, [arrival.error for arrival in arrivals])

    def _end_lines(self, lines, errors):
        """Mark lines as carried out, or failed.

        :return: ids of those that are put off, because a worker may die of them
        """
        put_off = []
        for line, error in zip(lines, errors, strict=True):
            if isinstance(error, SuspectedError):
                put_off.append(line.id)
            else:
                self._end_line(line, error)
        return put_off

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
                self._end_line(line, reason=self._left_to_queue())
            else:
                self._end_line(line, said.BELONGS_NO_MORE)

    def _left_to_queue(self):
        return said.LEFT_TO_QUEUE

    def _follow_queue(self, operations):
        """What the carrying out left to the queue has died there, or goes on."""
        by_record = operations.filtered(
            lambda o: o.kind == "push" and not o.mapping_id.external_id
        ).grouped(lambda o: o.mapping_id.res_id)
        lines = self._lines(
            ("res_id", "in", list(by_record)),
            ("action", "=", "create_pharmacy"),
            ("state", "in", ("done", "failed")),
        )
        for line in lines:
            operation = by_record[line.res_id][-1]
            state = "failed" if operation.state == "dead" else "done"
            if line.state == state:
                continue
            reason = self._left_to_queue()
            if state == "failed":
                reason = operation.last_error or operation.reason
            self.initial_id._count(**{line.state: -1, state: 1})
            line.write({"state": state, "reason": self._said(reason)})

    def _said(self, error):
        return self.stream_id.backend_id._redact(str(error))

    def _end_line(self, line, error=None, reason=False):
        """Mark a line as carried out, or failed, in the transaction that did it."""
        if line.state != "planned":
            return
        state = "failed" if error else "done"
        if error:
            reason = self._said(error)
        line.write({"state": state, "reason": reason})
        self.initial_id._count(**{state: 1})


class SyncEvent(models.Model):
    _inherit = "sync.event"

    @api.model
    def _event_routes(self):
        ended = Route("initial", "_handle_initial", ENDINGS, priority=30)
        return (*super()._event_routes(), ended)

    def _handle_initial(self):
        """Correct what an initial synchronisation says of what it left to the queue."""
        operations = self.env["sync.operation"].browse(self.mapped("res_id")).exists()
        for stream, own in operations.grouped("stream_id").items():
            parts = self.env["sync.initial.part"].search(
                [("stream_id", "=", stream.id), ("step", "=", "carried")]
            )
            for part in parts:
                part._follow_queue(own)
