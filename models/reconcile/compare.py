"""The comparison of a reconciliation, step by step: which records differ. How records
are divided into buckets, and summed: ``core/exchange/checksum.py``.
"""

from functools import partial

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core.exchange.checksum import Sums, bucket_of, differing, digest
from ...core.exchange.course import Course
from ...core.exchange.mapping_state import compare
from ...entities.directory import Directory
from ..base.own_transaction import apart

# Records read in one step of Odoo, of the app's pages, and buckets listed in one call.
CHUNK = 1000
PAGE = 500
BUCKETS_A_CALL = 64


class SyncReconciliation(models.Model):
    """What may have drifted: Odoo against the values agreed on, record by record, and
    the pharmacy against the same, by checksums."""

    _inherit = "sync.reconciliation"

    def _adapter(self):
        return self.stream_id._adapter()

    def _checksum_fields(self):
        untaken = self.stream_id._directions().untaken
        fields = self._adapter()._checksum_fields(self.backend_id)
        return [name for name in fields if name not in untaken]

    def _client(self):
        return self.backend_id._client("pull", "reporting")

    # -- Odoo -------------------------------------------------------------------------

    def _step_odoo(self):
        apart(self._compare_odoo)
        return True

    def _compare_odoo(self):
        """The next mappings: is Odoo's record still what both sides agreed on?"""
        Mapping = self.env["sync.mapping"]
        mappings = Mapping.search_fetch(
            [("stream_id", "=", self.stream_id.id), ("id", ">", self.position)],
            ["external_id", "base", "odoo_base", "res_id", "deleted", "state"],
            order="id",
            limit=CHUNK,
        )
        if not mappings:
            self._go_to("unmapped" if self.stream_id.pushes else "pharmacy")
            return
        fields = self._checksum_fields()
        sums = Sums(self.buckets, self.sums)
        odoo = self._odoo_values(mappings)
        directions = self.stream_id._directions()
        held = self._adapter()._held()
        agreed = partial(_is_agreed, held=held, directions=directions)
        busy = mappings._busy_mappings()
        suspects = []
        for mapping in mappings.filtered(lambda m: not m.deleted):
            base = mapping._base()
            if mapping.external_id:
                sums.add(mapping.external_id, digest(base.pharmacy, fields))
            data = odoo.get(mapping.res_id)
            alike = mapping.external_id and data is not None and agreed(base, data)
            if not alike and mapping not in busy:
                suspects.append({"mapping_id": mapping.id})
        if self.sends:
            suspects = self._send_changed(suspects, odoo)
        self.env["sync.drift"]._suspect(self, suspects)
        self.write({"sums": sums.as_json(), "position": mappings[-1].id})
        self._count(done=len(mappings))

    def _send_changed(self, suspects, odoo):
        """Have linked records that changed in Odoo go the way of any change.

        :param odoo: values of the records that there are, by id
        :return: the other suspects
        """
        Mapping = self.env["sync.mapping"]
        mappings = Mapping.browse(suspect["mapping_id"] for suspect in suspects)
        changed = mappings.filtered(lambda m: m.res_id in odoo and m.external_id)
        if changed:
            ids = dict.fromkeys(changed.mapped("res_id"), self.correlation_id)
            self.env["sync.operation"]._request_push(self.stream_id, ids)
            self.backend_id._schedule_push()
        return [s for s in suspects if s["mapping_id"] not in changed._ids]

    def _odoo_values(self, mappings):
        """Canonical values of the Odoo records by id; those that are there."""
        records = (
            self.env[self.stream_id.res_model]
            .with_context(active_test=False)
            .browse(mappings.mapped("res_id"))
            .exists()
        )
        directory = Directory(self.backend_id)
        return self.stream_id._serialise_alone(records, directory)[0]

    def _step_unmapped(self):
        apart(self._find_unmapped)
        return True

    def _find_unmapped(self):
        """The next records of Odoo that belong on the backend: do they have a mapping?

        Archived ones need none.
        """
        domain = self.stream_id._domain()
        Model = self.env[self.stream_id.res_model]
        records = Model.search(
            domain & Domain("id", ">", self.position), order="id", limit=CHUNK
        )
        if not records:
            self._go_to("pharmacy")
            return
        mapped = self._mapped(records.ids)
        self.env["sync.drift"]._suspect(
            self,
            [{"res_id": res_id} for res_id in records.ids if res_id not in mapped],
        )
        self.position = records[-1].id

    def _mapped(self, res_ids):
        rows = self.env.execute_query(
            SQL(
                "SELECT res_id FROM sync_mapping "
                "WHERE stream_id = %s AND res_id = ANY(%s)",
                self.stream_id.id,
                res_ids,
            )
        )
        return {res_id for (res_id,) in rows}

    # -- Pharmacy ---------------------------------------------------------------------

    def _step_pharmacy(self):
        # The job's own transaction began before these were written.
        correlation_id, buckets, pending = apart(self._pharmacy_state)
        client, adapter = self._client(), self._adapter()
        collection, fields = adapter._entity_collection, self._checksum_fields()
        if pending is None:
            theirs = None
            if not self.stream_id._takes_further():
                theirs = client.checksums(collection, buckets, fields, correlation_id)
            if theirs is None:
                entries = self._read_all(client, collection, fields, correlation_id)
                if entries is not None:
                    apart(self._compare_all, entries)
            else:
                apart(self._compare_sums, theirs)
            return True
        if not pending:
            apart(self._go_to, "verify")
            return True
        wanted = pending[:BUCKETS_A_CALL]
        entries = client.entries(collection, buckets, fields, wanted, correlation_id)
        apart(self._compare_entries, wanted, entries)
        return True

    def _pharmacy_state(self):
        pending = self.pending_buckets
        # An empty list of a JSON field reads as false.
        pending = (pending or []) if self.method else None
        return self.correlation_id, self.buckets, pending

    def _compare_sums(self, theirs):
        own = self.sums or Sums(self.buckets).as_json()
        self.write(
            {"method": "checksum", "pending_buckets": differing(own, theirs) or False}
        )

    def _compare_entries(self, wanted, entries):
        self._suspect_entries(wanted, entries)
        self.pending_buckets = [
            bucket for bucket in self.pending_buckets if bucket not in wanted
        ] or False

    def _read_all(self, client, collection, fields, correlation_id):
        """All records of an app that has no checksums; None if it was stopped.

        :raises CircleError: its pages lead in a circle
        """
        entries, after, course = [], None, Course()
        while True:
            page = client.page(collection, after, PAGE, correlation_id)
            entries += [
                {"id": record["id"], "digest": digest(record, fields)}
                for record in page["items"]
            ]
            after = page.get("next_after")
            if not after:
                return entries
            course = course.moved(after)
            if not apart(self._is_at_work):
                return None

    def _compare_all(self, entries):
        self._suspect_entries(range(self.buckets), entries)
        self.method = "full"

    def _suspect_entries(self, buckets, entries):
        """Compare the pharmacy's records of some buckets with what was agreed on."""
        fields = self._checksum_fields()
        theirs = {entry["id"]: entry["digest"] for entry in entries}
        suspects = []
        ours = self._mappings_in(set(buckets))
        for mapping in ours:
            known = theirs.pop(mapping.external_id, None)
            if mapping.deleted:
                alike = known is None
            else:
                alike = known == digest(mapping.base or {}, fields)
            if not alike:
                suspects.append({"mapping_id": mapping.id})
        busy = ours.browse(s["mapping_id"] for s in suspects)._busy_mappings()
        suspects = [s for s in suspects if s["mapping_id"] not in busy._ids]
        suspects += [{"external_id": external_id} for external_id in theirs]
        self.env["sync.drift"]._suspect(self, suspects)

    def _mappings_in(self, buckets):
        """The mappings whose pharmacy record is in one of these buckets."""
        rows = self.env.execute_query(
            SQL(
                "SELECT id, external_id FROM sync_mapping "
                "WHERE stream_id = %s AND external_id IS NOT NULL",
                self.stream_id.id,
            )
        )
        return self.env["sync.mapping"].browse(
            mapping_id
            for mapping_id, external_id in rows
            if bucket_of(external_id, self.buckets) in buckets
        )


def _is_agreed(base, data, held, directions):
    """Whether Odoo's values are those agreed on; the order of lines is no matter."""
    same = all(base.odoo.get(name) == value for name, value in data.items())
    if same:
        return True
    return not compare(base, data, held=held, directions=directions).merge.to_pharmacy


class SyncMapping(models.Model):
    _inherit = "sync.mapping"

    def _busy_mappings(self):
        """Those whose difference is known: on its way, or waiting for a person."""
        return (
            self.filtered(lambda m: m.state != "synced") | self._with_pending_events()
        )
