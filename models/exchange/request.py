import uuid

from odoo import api, models

from ...core.exchange.pushing import is_due
from ...entities.directory import Directory, unmapped
from ..base.rights import MANAGER, check_may


class SyncOperation(models.Model):
    """How records get into the queue, and what follows once an operation has carried
    its record over."""

    _inherit = "sync.operation"

    @api.model
    def _request_push(self, stream, changed, forced=False):
        """Put records in the queue that differ from what both sides agreed on.

        :param stream: the ``sync.stream`` they belong to
        :param changed: ``{res_id: correlation id}``
        :param forced: take records that the stream's rule leaves out, because
            another record refers to them
        """
        adapter = stream._adapter()
        Mapping = self.env["sync.mapping"]
        mappings = Mapping.search(
            [("stream_id", "=", stream.id), ("res_id", "in", list(changed))]
        )
        Record = self.env[stream.res_model].with_context(active_test=False)
        records = Record.browse(changed).exists()
        alive = set(records.filtered(adapter._is_alive).ids)
        revived = mappings.filtered(lambda m: m.deleted and m.res_id in alive)
        # The pharmacy's record stays deleted: one that is used again is made anew.
        revived._detach()
        mappings -= revived
        linked = set(mappings.mapped("res_id"))
        wanted = records if forced else stream._belonging(records)
        if stream.direction == "pull":
            # Odoo's own records stay its own.
            wanted = wanted.browse()
        new = wanted.filtered(lambda r: r.id not in linked)
        known = records.filtered(lambda r: r.id in linked)
        directory = Directory(stream.backend_id)
        data, unreadable = stream._serialise_alone(new | known, directory)
        for entity, res_id in unmapped(list(data.values())):
            self._request_dependency(stream, entity, res_id)
        # What cannot be read fails as a push, with its error, its alert and its record.
        failing = mappings.filtered(lambda m: m.res_id in unreadable)
        differing = failing | self._differing(mappings - failing, data)
        (mappings - failing)._note_differences()
        added = Mapping._insert(stream, [{"res_id": res_id} for res_id in new.ids])
        self._enqueue_push({m: changed[m.res_id] for m in differing | added}, stream)

    @api.model
    def _differing(self, mappings, data):
        """Those mappings whose record the pharmacy must get, or lose.

        :param data: ``{res_id: canonical values}`` of the records that there are
        """
        for mapping in mappings.filtered(lambda m: m.state == "conflict"):
            if mapping.res_id in data:
                data[mapping.res_id] = mapping._recheck_conflict(data[mapping.res_id])
        states = mappings._states()
        gone = mappings.filtered(
            lambda m: m.res_id not in data and is_due(states[m], None)
        )
        gone.conflict_ids.filtered(lambda c: c.state == "open")._close("odoo")
        return gone | mappings.filtered(
            lambda m: m.res_id in data and m._is_due(data[m.res_id], states[m])
        )

    @api.model
    def _request_dependency(self, stream, entity, res_id):
        """Queue a supplier or product that a record of ``stream`` refers to."""
        target = stream.backend_id.stream_ids.filtered(lambda s: s.entity == entity)
        open_already = self.search_count(
            [
                ("stream_id", "=", target.id),
                ("mapping_id.res_id", "=", res_id),
                ("state", "not in", self.CLOSED),
            ],
            limit=1,
        )
        if target.pushes and not open_already:
            self._request_push(target, {res_id: uuid.uuid4().hex}, forced=True)

    @api.model
    def _is_push_due(self, stream, resting=False):
        """Whether an operation is there to be sent now; with ``resting`` also while
        the backend rests."""
        at_work = resting or stream.backend_id._is_at_work()
        return at_work and self._is_due(stream, "push")

    def _applied(self, arrival):
        """The arrived record that the operation keeps was applied. Rooms above add
        what follows.

        :param arrival: :class:`.apply.Arrival`
        """

    def _carried_over(self):
        """These have brought the state of their records to the pharmacy. Rooms above
        add what follows."""


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    def action_synchronise(self):
        """Push and pull as soon as the job runner is free.

        :raises AccessError: the user is no operator
        """
        self._check_operator()
        self.sudo().stream_ids._begin_round()
        self._schedule_push()
        self._schedule_pull()
        return self._notify(
            self.env._("Under way"),
            self.env._("Changes of both sides are being carried over."),
        )

    def _note_rejected(self, breaker):
        """A batch would have been sent, had the breaker let it through."""
        about = {"breaker_id": breaker.id, "result": "rejected"}
        Call = self.env["sync.call"]
        Call._append(self.env.cr, self.id, breaker.operation, **about)

    def action_send_all(self):
        """Look at every record of Odoo that belongs here and send what differs.

        :raises AccessError: the user is no manager
        """
        message = self.env._("Only managers may send everything.")
        check_may(self, MANAGER, message)
        self.ensure_one()
        for stream in self._as_runner().stream_ids.filtered("pushes").sorted("rank"):
            own = stream._adapter()._domain(stream.backend_id)
            records = (
                stream.env[stream.res_model]
                .with_context(active_test=False)
                .search((stream._domain() | stream._linked_domain()) & own)
            )
            stream.env["sync.operation"]._request_push(
                stream, dict.fromkeys(records.ids, uuid.uuid4().hex)
            )
        return self.action_synchronise()
