import json
from contextlib import suppress
from dataclasses import replace

from odoo import fields, models
from odoo.exceptions import UserError

from ...core import said
from ...core.conflict.comparison import leaves, with_leaf
from ...core.conflict.merge import KEYED
from ...core.exceptions import InvalidDataError
from ...core.exchange.pair import Base
from ...entities.directory import Directory
from ...entities.neutral import neutral

YES_NO = {"true": True, "false": False}


class SyncOperation(models.Model):
    """A person corrects what a dead letter carries.

    An arrived record is corrected before it is applied. What the pharmacy has is
    still the old value, so the correction then goes there as a change of Odoo's.

    The push reads what it sends from the Odoo record: editing corrects that record,
    with the rights of the person who edits.
    """

    _inherit = "sync.operation"

    edited_from = fields.Json(
        readonly=True, help="The record as it arrived, before a person edited it."
    )

    def _editable(self):
        """What can be corrected.

        :return: a list of (path, label, value), as the values travel
        :raises UserError: there is nothing that could be
        """
        self.ensure_one()
        if self.state != "dead" or self.kind == "pull":
            raise UserError(
                self.env._(
                    "Only a failed change that is sent or received can be edited."
                )
            )
        record = self._content(Directory(self.backend_id))
        adapter = self.stream_id._adapter()
        known = [converter.key for converter in adapter._travelling(self.backend_id)]
        # In the order of the entity, and also what did not come.
        record = {**dict.fromkeys(known), **_simple_values(record, known)}
        return [
            (path, self._leaf_label(path, record), value)
            for path, value in leaves(record)
            if path.partition("[")[0] in {*known, *KEYED} and not path.endswith("].key")
        ]

    def _content(self, directory):
        """What the operation carries: the arrived record, or what would be sent.

        :raises UserError: the record is gone
        """
        if self.kind == "apply":
            content = self.payload or {}
            gone = content.get("deleted") is True
        else:
            adapter, record = self.stream_id._adapter(), self.mapping_id._record()
            content = adapter._serialise(record, directory).get(record.id, {})
            gone = not record
        if gone:
            raise UserError(self.env._("The record is deleted: nothing can be edited."))
        return content

    def _leaf_label(self, path, record):
        name, bracket, rest = path.partition("[")
        if not bracket:
            return self._label(path)
        number, __, field = rest.partition("]")
        line = record[name][int(number)]
        key = line.get("key") if isinstance(line, dict) else number
        return self._label(f"{name}[{key}]{field}", record)

    def _edit(self, texts):
        """Correct values, after a check of the whole.

        :param texts: ``{path: new value as a person wrote it}``
        :raises InvalidDataError: ``field`` names what is wrong; nothing is written
        :raises AccessError: the user may not change the Odoo record of a push
        """
        self.ensure_one()
        directory = Directory(self.backend_id)
        content = self._content(directory)
        before = dict(leaves(content))
        edited, after = content, {}
        for path, text in texts.items():
            after[path] = _typed_value(path, before.get(path), text)
            edited = with_leaf(edited, path, after[path])
        if self.kind == "apply":
            self._check_payload(edited, directory)
            original = self.edited_from or content
            self.sudo().write({"payload": edited, "edited_from": original})
        else:
            self._edit_record(content, edited, directory)
        before = {path: before.get(path) for path in after}
        self._note("edited", before=before, after=after)

    def _edit_record(self, content, edited, directory):
        adapter = neutral(self.stream_id.sudo(), self.backend_id)._adapter()
        data = adapter._canonical(edited, directory)
        adapter._check_known(data, directory)
        changes = {
            name: value for name, value in data.items() if content.get(name) != value
        }
        record = self.mapping_id._record()
        record.check_access("write")
        record = neutral(
            record, self.backend_id, sync_correlation_id=self.correlation_id
        )
        adapter._update(record, changes, directory)

    def _applied(self, arrival):
        result = super()._applied(arrival)
        self._return_edit(arrival)
        return result

    def _carried_over(self):
        result = super()._carried_over()
        self._close_outdated()
        return result

    def _return_edit(self, arrival):
        """An edited record was applied: what the pharmacy has in the edited fields is
        the base there, so that the correction is sent to it."""
        if not self.edited_from or arrival.outcome not in ("created", "updated"):
            return
        stream, adapter = self.stream_id, self.stream_id._adapter()
        mapping = self._mapping()
        directory = Directory(stream.backend_id)
        base, former = mapping._base(), {}
        untaken = stream._directions().untaken
        for name, value in self.payload.items():
            former_text = self.edited_from.get(name)
            kept = name in base.pharmacy and name not in untaken
            if not kept or former_text == value:
                continue
            # A text that is no value has none that would be lost.
            former[name] = None
            with suppress(InvalidDataError):
                former.update(
                    adapter._canonical({name: former_text}, directory, partial=True)
                )
        base = Base({**base.odoo, **former}, {**base.pharmacy, **former})
        state = mapping._state()
        mapping._move(state, replace(state, base=base))
        if stream.pushes and mapping._merge(mapping._serialise()).to_pharmacy:
            self._enqueue_push({mapping: self.correlation_id}, stream)
            stream.backend_id._schedule_push()

    def _close_outdated(self):
        """These carried their records over: close the dead letters of earlier pushes of
        the same records."""
        self.search(
            [
                ("mapping_id", "in", self.mapping_id.ids),
                ("kind", "=", "push"),
                ("state", "=", "dead"),
            ]
        )._succeed(said.LATER_SENT)


def _simple_values(record, known):
    """The record with simple values in the fields that have one: a list or an object
    that came in place of it is shown as its JSON."""
    return {
        name: json.dumps(value, ensure_ascii=False)
        if name in known and isinstance(value, (dict, list))
        else value
        for name, value in record.items()
    }


def _typed_value(path, former, text):
    """What a person wrote, as a value of the kind that was there.

    :raises InvalidDataError: it is none
    """
    text = (text or "").strip()
    if isinstance(former, bool):
        if text.lower() not in YES_NO:
            raise InvalidDataError(f"{path} must be true or false", field=path)
        return YES_NO[text.lower()]
    if isinstance(former, int):
        try:
            return int(text)
        except ValueError:
            raise InvalidDataError(
                f"{path} must be a whole number", field=path
            ) from None
    return text or (None if former is None else "")
