from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core import said
from ..base.locks import SUSPECTS
from ..base.own_transaction import apart, in_turn
from ..error.sync_suspect import in_key, out_key

# After that time another job goes on if this one's worker dies.
SUCCESSOR = timedelta(seconds=10)
# Seconds until a record that is suspected is worked on alone.
SUSPECT_WAIT = 1


class SyncBackend(models.Model):
    """Operations whose record a worker may die of are worked on apart from all others:
    singly, at the end of a job."""

    _inherit = "sync.backend"

    def _apply_suspects(self, time):
        """Apply arrived records that are suspected.

        :param time: when to hand over to the next job
        """
        lock = (SUSPECTS, self.id)
        operations = [
            *apart(self._suspected, "apply", False, read_committed=True),
            *apart(self._suspected, "apply", True, read_committed=True),
        ]
        if operations:
            apart(self._schedule_pull, fields.Datetime.now() + SUCCESSOR)
        for operation_id in operations:
            if time.expired:
                return
            operation = self.env["sync.operation"].browse(operation_id)
            if not in_turn(operation._apply_suspect, lock=lock, wait=False):
                # Another job is at them, in their order.
                return

    def _send_suspects(self, job_uuid, time):
        """Deliver events of suspected records, and send them. First all those with
        which alone no worker has died: one that it dies of again holds up none."""
        if apart(self._has_suspects, read_committed=True):
            apart(self._schedule_push, fields.Datetime.now() + SUCCESSOR)
            for deadly in (False, True):
                if not (
                    self.env["sync.event"]._deliver_suspects(self, deadly, time)
                    and self._push_suspects(job_uuid, deadly, time)
                ):
                    return
                if self._push_streams(job_uuid, time):
                    return

    def _has_suspects(self):
        """Whether a record of Odoo is suspected, on which there is work to be done."""
        Event = self.env["sync.event"]
        return any(
            Event._suspected(self, deadly) or self._suspected("push", deadly)
            for deadly in (False, True)
        )

    def _push_suspects(self, job_uuid, deadly, time):
        """:return: whether all were sent; else another job is at them, or will be"""
        suspected = apart(self._suspected, "push", deadly, read_committed=True)
        for operation_id in suspected:
            if time.expired or self._breaker("push")._rejection():
                return False
            operation = self.env["sync.operation"].browse(operation_id)
            lock = (SUSPECTS, self.id)
            items = in_turn(operation._claim_suspect, job_uuid, lock=lock, wait=False)
            if items is None:
                return False
            operation.stream_id._carry_out(items)
        return True

    def _suspected(self, kind, deadly):
        """Ids of open operations whose record is suspected.

        :param deadly: whether of those alone with which a worker has died already
        """
        self.env["sync.marker"]._take_stock(self)
        rows = self.env.execute_query(
            SQL(
                """SELECT o.id FROM sync_suspect s
                    JOIN sync_operation o ON o.backend_id = s.backend_id
                    JOIN sync_stream t ON t.id = o.stream_id
                    LEFT JOIN sync_mapping m ON m.id = o.mapping_id
                    WHERE s.backend_id = %(backend)s AND o.kind = %(kind)s
                      AND o.state IN ('pending', 'waiting')
                      AND (s.deaths > 0) = %(deadly)s
                      AND s.key = CASE o.kind
                          WHEN 'push' THEN 'out ' || m.res_model || ' ' || m.res_id
                          ELSE 'in ' || t.entity || ' ' || o.external_id END
                    ORDER BY s.deaths, s.id""",
                backend=self.id,
                deadly=deadly,
                kind=kind,
            )
        )
        return [operation_id for (operation_id,) in rows]


class SyncOperation(models.Model):
    _inherit = "sync.operation"

    def _suspect_key(self):
        """The key by which a worker's death over this is known."""
        if self.kind == "push":
            return out_key(self.mapping_id.res_model, self.mapping_id.res_id)
        return in_key(self.stream_id.entity, self.external_id)

    def _put_off_suspects(self):
        """Leave pushes out of a batch whose record a worker may die of, and mark those
        of the others.

        :return: the others
        """
        keys = {operation: operation._suspect_key() for operation in self}
        Marker = self.env["sync.marker"]
        suspects = Marker._begin(self.backend_id, keys.values(), "push")
        put_off = self.filtered(lambda operation: keys[operation] in suspects)
        put_off._park(SUSPECT_WAIT, said.SUSPECT)
        put_off._schedule_waiting()
        return self - put_off

    def _apply_suspect(self):
        """Apply an arrived record, alone, or give it up."""
        suspect = self._take_suspect()
        if suspect and suspect._is_guilty():
            self._give_up(suspect)
        elif suspect:
            self._apply_kept(suspected=True)
        return True

    def _claim_suspect(self, job_uuid):
        """Take up a push alone, or give it up: items to send."""
        suspect = self._take_suspect()
        if not suspect:
            return []
        if suspect._is_guilty():
            self._give_up(suspect)
            return []
        self.env["sync.marker"]._begin_alone(
            self.backend_id, self._suspect_key(), "push"
        )
        items = self.stream_id._begin_push(self, job_uuid)
        # A handler of its events may still be what the worker dies of.
        if suspect.step == "push":
            suspect.unlink()
        return items

    def _take_suspect(self):
        """Lock the operation, if it is still open and its record has none under way.

        :return: the ``sync.suspect`` of its record, if so
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM sync_operation o
                    WHERE id = %s AND state IN ('pending', 'waiting')
                      AND NOT EXISTS (
                          SELECT 1 FROM sync_operation r
                           WHERE r.mapping_id = o.mapping_id AND r.state = 'running')
                    FOR NO KEY UPDATE SKIP LOCKED""",
                self.id,
            )
        )
        Suspect = self.env["sync.suspect"]
        if not rows:
            return Suspect
        return Suspect._find(self.backend_id, self._suspect_key())

    def _give_up(self, suspect):
        """The worker died of it, time and again: it ends as failed."""
        self._refuse(suspect._error())
        suspect._given_up()

    def _refuse(self, error):
        self.attempts += 1
        self._fail(self.env["sync.error"]._classify(error, self.backend_id), error)

    @api.model
    def _refuse_push(self, stream, changed, error):
        """Keep a failed push of records that cannot be looked at.

        :param changed: ``{res_id: correlation id}``
        """
        Mapping = self.env["sync.mapping"]
        domain = [("stream_id", "=", stream.id), ("res_id", "in", list(changed))]
        known = Mapping.search(domain).mapped("res_id")
        Mapping._insert(stream, [{"res_id": i} for i in changed.keys() - set(known)])
        for mapping in Mapping.search(domain):
            operation = mapping.operation_ids.filtered(
                lambda o: o.kind == "push" and o.state in ("pending", "waiting", "dead")
            )[:1] or self.create(
                {
                    "kind": "push",
                    "stream_id": stream.id,
                    "mapping_id": mapping.id,
                    "correlation_id": changed[mapping.res_id],
                    "first_attempt_at": fields.Datetime.now(),
                }
            )
            operation._refuse(error)
