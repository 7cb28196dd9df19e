from contextlib import contextmanager

from psycopg2.extras import Json

from odoo import fields, models
from odoo.tools import SQL

from ....core.conflict.merge import KEYED
from ....core.exchange.directions import TAKEN
from ....entities.neutral import neutral


class SyncStream(models.Model):
    """What a stream carries beside the fields of its entity."""

    _inherit = "sync.stream"

    further_field_ids = fields.One2many(
        "sync.further.field", "stream_id", "Further Fields"
    )

    def _further_ways(self):
        """Which way each of them travels, by generic path."""
        return {each.field: each.direction for each in self.sudo().further_field_ids}

    def _further_path(self, field):
        """Where the app has one of the fields, if it is one of these and has a place of
        its own; else empty."""
        chosen = self.sudo().further_field_ids.filtered(lambda f: f.field == field)
        return chosen._path_at_app() if chosen else ()

    def _takes_further(self):
        """Whether Odoo takes over any of them."""
        return any(way in TAKEN for way in self._further_ways().values())

    @contextmanager
    def _carrying_anew(self):
        """These streams will carry other fields: what Odoo has in them is sent, what
        the pharmacy has is read."""
        streams = neutral(self.sudo())
        before = {stream: stream._further_places() for stream in streams}
        with streams._naming_anew():
            yield
            self.env.flush_all()
        for stream, was in before.items():
            now = stream._further_places()
            changed = {path for path, __ in was.items() ^ now.items()}
            if not changed:
                continue
            stream._forget_agreed_at(changed)
            stream._begin_unset(changed & now.keys())
            gone = was.keys() - now.keys()
            stream.field_name_ids.filtered_domain([("field", "in", [*gone])]).unlink()
            if stream.pulls:
                stream.backend_id._schedule_pull()
        streams._check_naming()
        self.env["sync.entity"]._watch_anew(streams.filtered("pushes"))

    def _further_places(self):
        """Which field of Odoo each of them is, by generic path."""
        return {each.field: each.odoo_field for each in self.further_field_ids}

    def _begin_unset(self, paths):
        """In the linked records both sides begin without these fields: what either has
        in them by now is its own news, and not a conflict with nothing. What the app
        has in them of the version that is known was not read."""
        adapter = self._adapter()
        own, of_lines = {}, {}
        for path in paths:
            converter, __ = adapter._find_converter(path.replace(".", "[]."))
            if converter:
                where = of_lines if "." in path else own
                where[converter.key] = converter.unset()
        half = SQL("coalesce(odoo_base, '{}') || %s::jsonb", Json(own))
        for name in KEYED if of_lines else ():
            half = SQL(
                """(SELECT CASE WHEN jsonb_typeof(had) = 'array' THEN
                        jsonb_set(half, ARRAY[%(name)s], (
                            SELECT coalesce(
                                       jsonb_agg(line || %(unset)s::jsonb ORDER BY n),
                                       '[]')
                              FROM jsonb_array_elements(had)
                                   WITH ORDINALITY AS l (line, n)))
                        ELSE half END
                      FROM (SELECT %(half)s AS half,
                                   coalesce(odoo_base -> %(name)s, base -> %(name)s)
                                   AS had) AS halves)""",
                name=name,
                unset=Json(of_lines),
                half=half,
            )
        self.env.execute_query(
            SQL(
                "UPDATE sync_mapping SET odoo_base = %s, in_part = true "
                "WHERE stream_id = %s AND base IS NOT NULL RETURNING id",
                half,
                self.id,
            )
        )
        self.env["sync.mapping"].invalidate_model(["odoo_base", "in_part"])
