from ast import literal_eval

from lxml.builder import E

from odoo import api, models


class SyncByEntity(models.AbstractModel):
    """Rows that each belong to an entity, and are filtered by it.

    In its search view the filter named ``entities``, on the field that says which it
    is, stands for one filter for each entity of this database.
    """

    _name = "sync.by_entity"
    _description = "Filtered by Type"

    @api.model
    def _filtered_entities(self):
        """The entities that have a filter: ``{name: model}``."""
        return self.env["sync.entity"]._entities()

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        for place in arch.findall(".//filter[@name='entities']"):
            field = literal_eval(place.get("domain"))[0][0]
            for name, adapter in self._filtered_entities().items():
                value = adapter._entity_model if field == "res_model" else name
                place.addprevious(
                    E.filter(
                        name=f"entity_{name}",
                        string=self.env._(adapter._entity_title),
                        domain=repr([(field, "=", value)]),
                    )
                )
            place.getparent().remove(place)
        return arch, view
