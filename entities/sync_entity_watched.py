from odoo import api, models


class SyncEntity(models.AbstractModel):
    """Which of Odoo's fields make a record of an entity what the pharmacy gets."""

    _inherit = "sync.entity"

    def init(self):
        # Whenever an addon with an entity is installed or updated, this one as well;
        # once all of its tables are there.
        result = super().init()
        self.pool.post_init(self.env["sync.touched"]._build)
        return result

    @api.model
    def _tracked_names(self):
        """``{model: fields}`` of all entities."""
        found = {}
        for adapter in self._entities().values():
            for model in {**adapter._entity_tracked, **adapter._further_tracked()}:
                names = adapter._tracked_in(model)
                found.setdefault(model, set()).update(names)
        return found

    @api.model
    def _tracked_in(self, model):
        """Names of the fields of one model whose writes concern the entity."""
        own = self._entity_tracked.get(model, frozenset())
        return own | self._further_tracked().get(model, frozenset())

    @api.model
    def _watch_anew(self, streams):
        """Streams carry other fields: see to it that their changes are noted, and what
        Odoo has in them by now sent."""
        self.env["sync.touched"]._build()
        self._send_anew(streams)

    @api.model
    def _send_anew(self, streams):
        """Have all linked records of streams compared, and what Odoo has otherwise
        than was agreed on sent."""
        for stream in streams:
            stream._flooded()

    @api.model
    def _code_names(self):
        """``{model: fields}`` of what converters read through a relation: the names
        of units and of attribute values, the codes of countries and currencies."""
        found = {}
        for __, __, model, name, __ in self._coded():
            found.setdefault(model, set()).add(name)
        return found

    @api.model
    def _coded(self):
        """``(adapter, user, model, field, path)`` of all values that a field of another
        record is part of, which ``path`` leads to from their user."""
        for adapter in self._entities().values():
            for user, converters in adapter._sides():
                for converter in converters:
                    for read in converter.reads:
                        yield adapter, user, *read

    @api.model
    def _sides(self):
        """``(model, converters)`` of the records, and of their lines."""
        lines = self._line_model()
        sides = ((self._entity_model, self._known_converters()),)
        if lines is not None:
            sides += ((lines._name, self._known_line_converters()),)
        return sides
