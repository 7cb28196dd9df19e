from odoo import api, fields, models
from odoo.tools import SQL

from ...core.exceptions import WorkerDiedError
from ..base.alone import raced
from ..base.rows import insert_rows

# Deaths of a worker that had nothing else in hand, after which the record is given up.
DEATHS = 2


class SyncSuspect(models.Model):
    """A record that a worker had in hand when it died, alone or among others.

    It is left out of batches, so that its neighbours are held up no more, and worked on
    alone, those with the fewest deaths first, until that succeeds or a worker has died
    of it :data:`DEATHS` times: then the work ends as failed.
    """

    _name = "sync.suspect"
    _description = "Record That May Kill Its Worker"
    _order = "deaths, id"
    _rec_name = "key"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="backend_id.company_id")
    key = fields.Char(
        required=True,
        readonly=True,
        help="The record: that of Odoo, or one that arrived, by the pharmacy's id.",
    )
    deaths = fields.Integer(
        readonly=True, help="Workers that died with nothing else in hand."
    )
    step = fields.Char(readonly=True, help="What the latest one was doing.")

    _key_uniq = models.Constraint(
        "UNIQUE(backend_id, key)", "A record is suspected once."
    )

    @api.model
    def _suspect(self, backend, keys, step):
        """A worker died with these in hand."""
        insert_rows(
            self,
            [
                {
                    "backend_id": backend.id,
                    "key": key,
                    "deaths": int(len(keys) == 1),
                    "step": step,
                }
                for key in keys
            ],
            SQL(
                """(backend_id, key) DO UPDATE
                   SET deaths = sync_suspect.deaths + excluded.deaths,
                       step = excluded.step"""
            ),
        )

    @api.model
    def _find(self, backend, key):
        """The suspect of a key, if it is one."""
        return self.search([("backend_id", "=", backend.id), ("key", "=", key)])

    @api.model
    def _clear(self, stream, external_ids):
        """Arrived records that are suspected no longer."""
        keys = [in_key(stream.entity, external_id) for external_id in external_ids]
        self.flush_model()
        raced(
            self.env,
            SQL(
                """DELETE FROM sync_suspect WHERE backend_id = %s AND key = ANY(%s)
                   RETURNING id""",
                stream.backend_id.id,
                keys,
            ),
        )
        self.invalidate_model(flush=False)

    @api.model
    def _among(self, backend, keys):
        """Those of the keys that are suspected, a set."""
        found = self.search([("backend_id", "=", backend.id), ("key", "in", keys)])
        return set(found.mapped("key"))

    def _is_guilty(self):
        return self.deaths >= DEATHS

    def _error(self):
        """What the work on it ends with once it is given up."""
        return WorkerDiedError(
            f"The worker died {self.deaths} times while it worked on this record "
            f"alone ({self.step}).",
            record=self.key,
        )

    def _given_up(self):
        """The work on it ended as failed. It stays suspected: one more death, and it is
        given up again."""
        self.deaths = DEATHS - 1


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (*super()._expired(), ("sync_suspect", "log", "write_date < %s"))


def out_key(res_model, res_id):
    """The key of a record of Odoo."""
    return f"out {res_model} {res_id}"


def in_key(entity, external_id):
    """The key of a record that arrives."""
    return f"in {entity} {external_id}"


def parts(key):
    """``(direction, model or entity, id)`` of a key."""
    return tuple(key.split(" ", 2))
