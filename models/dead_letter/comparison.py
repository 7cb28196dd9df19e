from dataclasses import dataclass

from markupsafe import Markup

from odoo import api, fields, models

from ...client import FAILURES
from ...core import said
from ...core.conflict.comparison import differences
from ...core.exceptions import HttpError, SyncError
from ...entities.directory import Directory, unmapped
from ...entities.neutral import neutral
from ...entities.sentence import in_language
from ..base.alone import alone

NOT_FOUND = 404
# Stands where the app has no such record.
NOTHING = {}
# What would come of an operation if it were redriven now.
VERDICTS = [
    ("create", "Makes a new record"),
    ("update", "Changes the record"),
    ("link", "Links what is there already"),
    ("delete", "Deletes the record"),
    ("nothing", "Already match"),
    ("conflict", "Both sides changed it"),
    ("waits", "Waits for another record"),
    ("read", "Reads what changed"),
    ("refused", "Would fail again"),
]


@dataclass(frozen=True)
class Lookup:
    """What to ask the app about one operation.

    :ivar external_id: the app's id, if known; without it the record is found by its key
    """

    operation_id: int
    pool: str
    collection: str
    external_id: str | bool
    key: str


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    def _look_up(self, lookups, correlation_id):
        """Ask the app what it has now. Nothing is written; no transaction is needed.

        :param lookups: what :meth:`SyncOperation._lookups` says
        :return: (``{operation id: record}``, why the app could not be asked for the
            others or None)
        """
        self.ensure_one()
        found = {}
        for asked in lookups:
            client = self._client("pull", asked.pool)
            try:
                if asked.external_id:
                    record = client.get(
                        asked.collection, asked.external_id, correlation_id
                    )
                else:
                    record = client.find(asked.collection, asked.key, correlation_id)
            except FAILURES as exc:
                if not isinstance(exc, HttpError) or exc.status != NOT_FOUND:
                    # The other calls would hardly fare better; and one is enough to
                    # an app that is down.
                    classification = self.env["sync.error"]._record(
                        exc,
                        backend_id=self.id,
                        operation="compare",
                        correlation_id=correlation_id,
                    )
                    return found, self._why_not_asked(classification)
                record = None
            found[asked.operation_id] = record or NOTHING
        return found, None

    def _why_not_asked(self, classification):
        """Why the app could not be asked, as it is kept."""
        return self.env["sync.error"]._explained(classification)


class SyncOperation(models.Model):
    """What would be sent beside what the other side has."""

    _inherit = "sync.operation"

    comparison = fields.Json(
        "Compared Values",
        readonly=True,
        help="What a retry would do, as it was when last looked at.",
    )
    compared_at = fields.Datetime("Compared", readonly=True)
    comparison_html = fields.Html(
        "Comparison", compute="_compute_comparison_html", sanitize=False
    )

    def _comparison_read(self):
        """The comparison with its sentences in the reader's language."""
        kept = self.comparison
        said_of_it = {
            name: in_language(self.env, kept[name])
            for name in ("summary", "warning", "silence")
            if kept.get(name)
        }
        return {**kept, **said_of_it}

    @api.depends("comparison")
    @api.depends_context("lang")
    def _compute_comparison_html(self):
        Qweb = self.env["ir.qweb"]
        for operation in self:
            operation.comparison_html = operation.comparison and Markup(
                Qweb._render("pharmacy_sync.comparison", operation._comparison_read())
            )

    def action_compare(self):
        """Ask the app what it has now, and show it beside what would be sent."""
        self.ensure_one()
        self._check_operator()
        # Before anything is written: this request has no business transaction yet.
        operation = self.sudo()
        found, silence = operation.backend_id._look_up(
            operation._lookups(), operation.correlation_id
        )
        operation._foresee_each(found, silence)
        return True

    def _lookups(self):
        """What to ask the app about these operations.

        :return: list of :class:`Lookup`
        """
        lookups = []
        for operation in self:
            mapping, adapter = operation.mapping_id, operation.stream_id._adapter()
            external_id = mapping.external_id or operation.external_id
            if operation.kind != "pull" and (external_id or mapping.key):
                pool, collection = adapter._entity_pool, adapter._entity_collection
                lookups.append(
                    Lookup(operation.id, pool, collection, external_id, mapping.key)
                )
        return lookups

    def _foresee_each(self, found, silence=None):
        """Say on each operation what a redrive would do.

        :param found: ``{operation id: the app's record}``; absent: it was not asked
        :param silence: why it could not be asked
        """
        now = fields.Datetime.now()
        for stream, operations in self.grouped("stream_id").items():
            directory = Directory(stream.backend_id)
            odoo = operations._values_in_odoo(stream, directory)
            for operation in operations:
                record = found.get(operation.id)
                with alone(self.env) as failure:
                    forecast = operation._foresee(odoo, record, directory)
                if failure:
                    forecast = operation._forecast_refused(failure.error)
                forecast["asked"] = record is not None
                forecast["silence"] = silence if record is None else None
                operation.write({"comparison": forecast, "compared_at": now})

    def _forecast_refused(self, exception):
        if isinstance(exception, SyncError):
            said = self.env["sync.error"]._exception_in_words(exception, self.stream_id)
            return self._forecast("refused", said)
        classification = self.env["sync.error"]._classify(exception, self.backend_id)
        return self._forecast("refused", classification.message)

    def _values_in_odoo(self, stream, directory):
        """Canonical values of the Odoo records; of one that cannot be read the
        exception: ``{record id: values}``."""
        adapter = stream._adapter()
        records = (
            self.env[stream.res_model]
            .with_context(active_test=False)
            .browse([res_id for res_id in self._mapping().mapped("res_id") if res_id])
            .exists()
        )
        with alone(self.env):
            return adapter._serialise(records, directory)
        values = {}
        for record in records:
            with alone(self.env) as failure:
                values.update(adapter._serialise(record, directory))
            if failure:
                values[record.id] = failure.error
        return values

    def _mapping(self):
        """The mappings of these, also of arrived records that had none then."""
        lone = self.filtered(lambda o: not o.mapping_id and o.external_id)
        return self.mapping_id | self.env["sync.mapping"].search(
            [
                ("stream_id", "in", lone.stream_id.ids),
                ("external_id", "in", lone.mapped("external_id")),
            ]
        )

    def _foresee(self, odoo, record, directory):
        """What a redrive of this operation would do.

        :param odoo: what :meth:`_values_in_odoo` says
        :param record: the app's, None if it was not asked
        :return: the values of :attr:`comparison`
        """
        self.ensure_one()
        if self.kind == "pull":
            text = said.READS_CHANGES
            return self._forecast("read", text)
        mapping = self._mapping()
        data = odoo.get(mapping.res_id)
        if isinstance(data, Exception):
            raise data
        if self.kind == "push":
            return self._foresee_push(mapping, data, record, directory)
        return self._foresee_apply(mapping, data, record, directory)

    def _foresee_push(self, mapping, data, record, directory):
        if data is None:
            if not mapping.external_id or mapping.deleted or record == NOTHING:
                return self._forecast("nothing", said.RECORD_GONE)
            text = said.DELETES_THERE
            return self._forecast("delete", text)
        gone = record is not None and (not record or record.get("deleted"))
        if mapping.deleted or (gone and mapping.external_id):
            text = said.NOT_UNDONE
            return self._forecast("nothing", text)
        if missing := unmapped(data):
            names = ", ".join(sorted(f"{entity} {id_}" for entity, id_ in missing))
            text = said.say(said.WAITS_FOR, names)
            return self._forecast("waits", text)
        if not record and not mapping.external_id:
            data = self.stream_id._directions().sent(data)
            rows = differences({}, data, {})
            text = said.MAKES_THERE
            return self._forecast(
                "create", text, self._difference_rows(rows, directory, data)
            )
        theirs = self._canonical(record, directory) if record else None
        if not mapping.external_id:
            compared = self.stream_id._directions().compared
            data, theirs = compared(data), compared(theirs)
            rows = differences({}, data, theirs)
            text = said.HAS_ALREADY
            rows = self._difference_rows(rows, directory, data, theirs)
            return self._forecast("link", text, rows)
        return self._forecast_merge(mapping, data, theirs, directory)

    def _foresee_apply(self, mapping, data, record, directory):
        payload = self.payload or {}
        arrived = self._check_payload(payload, directory)
        newer, old = (each.get("version") or 0 for each in (record or {}, payload))
        warning = None
        if record is not None and (not record or record.get("deleted")):
            warning = said.DELETED_SINCE
        elif newer > old:
            warning = said.say(said.NEWER_THERE, new=newer, old=old)
        if payload.get("deleted"):
            text = said.ARCHIVES_HERE
            forecast = self._forecast("delete" if data else "nothing", text)
        elif not mapping:
            arrived = self.stream_id._directions().taken(arrived)
            rows = differences({}, {}, arrived)
            text = said.MAKES_HERE
            forecast = self._forecast(
                "create", text, self._difference_rows(rows, directory, arrived)
            )
        elif data is None:
            forecast = self._forecast("nothing", said.WAS_DELETED_HERE)
        else:
            forecast = self._forecast_merge(mapping, data, arrived, directory)
        return {**forecast, "warning": warning}

    def _canonical(self, record, directory):
        adapter = neutral(self.stream_id, self.backend_id)._adapter()
        return adapter._canonical(record, directory, partial=True)

    def _check_payload(self, payload, directory):
        """The canonical values of an arrived record that can be applied.

        :raises InvalidDataError: naming the field at fault
        :raises DependencyMissingError: it refers to what Odoo does not have
        """
        if payload.get("deleted"):
            return {}
        adapter = neutral(self.stream_id, self.backend_id)._adapter()
        data = adapter._canonical(payload, directory, partial=bool(self._mapping()))
        adapter._check_known(data, directory)
        return data
