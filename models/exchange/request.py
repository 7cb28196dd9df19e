import uuid

from odoo import models

from ..base.rights import MANAGER, check_may


class SyncOperation(models.Model):
    """What follows once an operation has carried its record over."""

    _inherit = "sync.operation"

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
        self._schedule_push()
        self._schedule_pull()
        return self._notify(
            self.env._("Under way"),
            self.env._("Changes of both sides are being carried over."),
        )

    def action_send_all(self):
        """Look at every record of Odoo that belongs here and send what differs.

        :raises AccessError: the user is no manager
        """
        message = self.env._("Only managers may send everything.")
        check_may(self, MANAGER, message)
        self.ensure_one()
        for stream in self._as_runner().stream_ids.filtered("pushes").sorted("rank"):
            adapter = stream._adapter()
            records = (
                stream.env[stream.res_model]
                .with_context(active_test=False)
                .search(adapter._domain(stream.backend_id))
            )
            stream.env["sync.operation"]._request_push(
                stream, dict.fromkeys(records.ids, uuid.uuid4().hex)
            )
        self._schedule_push()
        return self.action_synchronise()
