import uuid

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...core import said
from ...core.conflict.merge_base import first_base
from ...core.exchange.pair import NOTHING
from ...entities.directory import Directory
from ...entities.neutral import neutral
from ..base.rights import MANAGER, check_may


class SyncMapping(models.Model):
    """Which Odoo record goes with which pharmacy record: ended by a deletion, taken up
    again, and made or broken by hand where matching could not know."""

    _inherit = "sync.mapping"

    def action_break_link(self):
        """Each side's record goes on by itself, with a counterpart of its own.

        :raises AccessError: the user is no manager
        :raises UserError: there is nothing to break, or it is just being worked on
        """
        self._check_manager()
        for mapping in self.sudo():
            if not mapping.res_id or not mapping.external_id or mapping.deleted:
                raise UserError(
                    self.env._("Only a record that both sides have can be separated.")
                )
            mapping = neutral(mapping, mapping.backend_id)
            stream, res_id = mapping.stream_id, mapping.res_id
            payload = {
                **(mapping.base or {}),
                **(mapping._open_conflict().pharmacy or {}),
                "id": mapping.external_id,
                "version": mapping.version,
            }
            mapping._abandon(said.LINK_BROKEN)
            mapping._detach()
            mapping.write({**mapping._base_values(NOTHING), "version": 0})
            Operation = mapping.env["sync.operation"]
            Operation.create(
                {
                    "kind": "apply",
                    "stream_id": stream.id,
                    "mapping_id": mapping.id,
                    "external_id": mapping.external_id,
                    "payload": payload,
                }
            )
            Operation._request_push(stream, {res_id: uuid.uuid4().hex})
            stream.backend_id._schedule_pull()
            stream.backend_id._schedule_push()
        return True

    def _link_by_hand(self, stream, record, data, correlation_id):
        """Make an Odoo record the counterpart of a pharmacy record.

        What is empty on one side is filled from the other; where both have a value
        and they differ, that is a conflict. An Odoo record that was linked to it
        before is left as it is.

        :param record: of the stream's model
        :param data: the pharmacy record as the app sent it
        :raises UserError: one of them has another counterpart, or is being worked on
        """
        self._check_manager()
        Mapping = self.sudo()
        external_id = data["id"]
        mapping, other = Mapping._mappings_of(stream, record, external_id)
        reason = said.say(said.LINKED_BY, self.env.user.name)
        mapping, other, stream, record = (
            neutral(found, stream.backend_id)
            for found in (mapping, other, stream, record)
        )
        (mapping | other)._abandon(reason)
        left = mapping._record() - record if mapping else record.browse()
        if not mapping and other and not other.external_id:
            mapping = other
        else:
            other._detach()
        if not mapping:
            values = {"res_id": record.id, "external_id": external_id}
            mapping = Mapping._insert(stream, [values])
        mapping._attach(record.id)
        # Archived or cancelled it concerns nobody; used again it is made there.
        Mapping._insert(stream, [{"res_id": i, "deleted": True} for i in left.ids])
        mapping.write(
            {
                "external_id": external_id,
                **mapping._base_values(NOTHING),
                "version": 0,
                "deleted": False,
                "uncertain": False,
            }
        )
        adapter, directory = stream._adapter(), Directory(stream.backend_id)
        canonical = adapter._canonical(data, directory)
        adapter._adopt(record.sudo(), canonical, directory)
        mapping.base = first_base(mapping._serialise(), canonical)
        (arrival,) = stream._apply([data], correlation_id, True)
        if arrival.error:
            raise UserError(str(arrival.error))
        return mapping

    @api.model
    def _mappings_of(self, stream, record, external_id):
        """The mappings of a pharmacy record and of an Odoo record that may be linked.

        :raises UserError: they are linked, or the Odoo record has a counterpart
        """
        mapping = self.search(
            [("stream_id", "=", stream.id), ("external_id", "=", external_id)]
        )
        other = self.search([("stream_id", "=", stream.id), ("res_id", "=", record.id)])
        if mapping and mapping == other and not mapping.deleted:
            raise UserError(self.env._("They are linked already."))
        if other.external_id and not other.deleted:
            raise UserError(
                self.env._(
                    "%(record)s is the counterpart of %(external_id)s. Break that "
                    "link first.",
                    record=record.display_name,
                    external_id=other.external_id,
                )
            )
        return mapping, other

    def _detach(self):
        """Free the Odoo record: what the pharmacy calls its own stays known here, so
        that an old update of it is known to be old."""
        nameless = self.filtered(lambda mapping: not mapping.external_id)
        (self - nameless)._set_record(None)
        nameless.unlink()

    def _attach(self, res_id):
        self.ensure_one()
        self._set_record(res_id)

    def _set_record(self, res_id):
        # A reference of Odoo's is 0 where there is none, and 0 is not unique.
        self.flush_recordset(["res_id"])
        self.env.execute_query(
            SQL(
                "UPDATE sync_mapping SET res_id = %s WHERE id = ANY(%s) RETURNING id",
                res_id,
                self.ids,
            )
        )
        self.invalidate_recordset(["res_id", "record_name", "display_name"])

    def _abandon(self, reason):
        """End what is under way for these records."""
        operations = self.operation_ids.filtered(
            lambda o: o.state not in self.env["sync.operation"].CLOSED
        )
        if "running" in operations.mapped("state"):
            raise UserError(
                self.env._("The record is just being sent. Try again in a moment.")
            )
        operations._end("cancelled", reason)
        for mapping in self:
            mapping._open_conflict()._close("manual")

    def _check_manager(self):
        check_may(self, MANAGER, self.env._("Only managers may link records by hand."))
