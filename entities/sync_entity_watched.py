from odoo import api, models

from .links import Coded


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
            for model, names in adapter._entity_tracked.items():
                found.setdefault(model, set()).update(names)
        return found

    @api.model
    def _code_names(self):
        """``{model: fields}`` of what converters read through a relation: the names
        of units, the codes of countries and currencies."""
        found = {}
        for __, __, converter in self._coded():
            found.setdefault(converter.model, set()).add(converter.by)
        return found

    @api.model
    def _coded(self):
        """``(adapter, model, converter)`` of all values that travel as a code."""
        for adapter in self._entities().values():
            for model, converters in adapter._sides():
                for converter in converters:
                    if isinstance(converter, Coded):
                        yield adapter, model, converter

    @api.model
    def _sides(self):
        """``(model, converters)`` of the records, and of their lines."""
        lines = self._line_model()
        sides = ((self._entity_model, self._converters()),)
        if lines is not None:
            sides += ((lines._name, self._line_converters()),)
        return sides
