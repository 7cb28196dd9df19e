"""Fields that travel beside an entity's own because an administrator chose them."""

from odoo import api, models, tools

from .further import converter_of
from .sync_entity_schema import ENVELOPE


class SyncEntity(models.AbstractModel):
    """An entity's converters are its own, and those of the fields that any stream
    carries besides; with one backend travels what that backend's stream carries."""

    _inherit = "sync.entity"

    @api.model
    def _offered(self):
        """What Odoo alone can say of its records, and of their lines, where the addons
        that know it are there: two tuples of converters that are
        :class:`.further.Told`. None of it travels unless a stream carries it."""
        return (), ()

    @api.model
    @tools.ormcache()
    def _offered_by_path(self):
        """:meth:`_offered` by generic path."""
        own, of_lines = self._offered()
        found = {converter.key: converter for converter in own}
        return {**found, **{f"lines.{c.key}": c for c in of_lines}}

    @api.model
    def _offered_title(self, path):
        """What people call one of them."""
        return self.env._(self._offered_by_path()[path].title)

    @api.model
    def _reserved_paths(self):
        """Generic paths that mean something already, whatever a stream carries."""
        own = {"lines", *ENVELOPE, *(c.key for c in self._converters())}
        of_lines = {"key", *(c.key for c in self._line_converters())}
        return own | {f"lines.{key}" for key in of_lines} | {*self._offered_by_path()}

    @api.model
    def _further(self):
        """What streams carry besides, a tuple of :class:`.further.Further`."""
        return self.env["sync.further.field"]._carried(self._entity)

    @api.model
    def _further_converters(self, in_line):
        """The converters of what any stream carries besides, of records or lines.

        What an addon knows that is not there, or not yet, is left out.
        """
        model = self._line_model() if in_line else self.env[self._entity_model]
        further = [each for each in self._further() if each.in_line == in_line]
        taken = {each.key for each in further if each.is_taken}
        found = {}
        for each in further:
            converter = (
                self._offered_by_path().get(each.key)
                if each.is_offered
                else converter_of(model, each, each.key in taken)
            )
            if converter:
                found[each.key] = converter
        return tuple(found.values())

    @api.model
    @tools.ormcache("backend.id", "in_line")
    def _travelling(self, backend, in_line=False):
        """The converters of what travels between Odoo and one backend."""
        every = self._known_line_converters() if in_line else self._known_converters()
        further = [each for each in self._further() if each.in_line == in_line]
        own = {each.name for each in further if each.backend_id == backend.id}
        others = {each.name for each in further} - own
        return tuple(c for c in every if c.key not in others)

    @api.model
    def _travelling_paths(self, backend):
        """Generic paths of what travels between Odoo and one backend."""
        of_lines = self._travelling(backend, in_line=True)
        lines = {"lines", *(f"lines.{c.key}" for c in of_lines)}
        own = {converter.key for converter in self._travelling(backend)}
        return own | lines if self._entity_lines else own

    @api.model
    @tools.ormcache()
    def _further_tracked(self):
        """Models whose writes concern what streams carry besides, with the fields that
        do: as ``_entity_tracked``."""
        found = {}
        own = {c.key for c in (*self._converters(), *self._line_converters())}
        for model_name, converters in self._sides():
            model = self.env[model_name]
            for converter in converters:
                if converter.key in own:
                    continue
                for name in (converter.field, *converter.uses):
                    field = model._fields[name]
                    # What a variant has of its template is written there.
                    where = field.related_field.model_name if field.inherited else None
                    found.setdefault(where or model_name, set()).add(name)
        return found
