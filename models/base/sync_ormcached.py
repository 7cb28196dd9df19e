from odoo import api, models


class SyncOrmcached(models.AbstractModel):
    """A model of whose records something is kept with ``ormcache``: when they change
    it is forgotten, in every process."""

    _name = "sync.ormcached"
    _description = "Kept in the Registry's Cache"

    # Fields of which nothing is kept: they may change often.
    _not_ormcached = frozenset()

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        self._forget_ormcached()
        return records

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() - self._not_ormcached:
            self._forget_ormcached()
        return result

    def unlink(self):
        result = super().unlink()
        self._forget_ormcached()
        return result

    def _forget_ormcached(self):
        # The group that ormcache keeps in by default. Last: what was read while the
        # records were written is forgotten too.
        self.env.registry.clear_cache()
