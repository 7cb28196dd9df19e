from contextlib import contextmanager

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ....core.conflict.merge import KEYED
from ....core.exchange.directions import Direction, Directions
from ....entities.neutral import neutral

# The halves of a mapping's base.
HALVES = ("base", "odoo_base")


class SyncFieldDirection(models.Model):
    """Which way one field of a stream travels; what is not chosen goes both ways."""

    _name = "sync.field.direction"
    _inherit = ["sync.by_field"]
    _description = "Direction of a Field"

    direction = fields.Selection(
        [
            (str(Direction.BOTH), "Both ways"),
            (str(Direction.PUSH), "Only to the pharmacy"),
            (str(Direction.PULL), "Only to Odoo"),
            (str(Direction.NONE), "Not at all"),
        ],
        required=True,
        help="What does not travel is neither sent nor taken over, is not compared, "
        "and makes no conflict. Once it travels again it is compared anew.",
    )

    _field_uniq = models.Constraint(
        "UNIQUE(stream_id, field)", "A field has one direction in a stream."
    )

    @api.model_create_multi
    def create(self, vals_list):
        streams = self.env["sync.stream"].browse(v.get("stream_id") for v in vals_list)
        with streams._comparing_anew():
            return super().create(vals_list)

    def write(self, vals):
        streams = self.stream_id | self.stream_id.browse(vals.get("stream_id") or [])
        with streams._comparing_anew():
            return super().write(vals)

    def unlink(self):
        with self.stream_id._comparing_anew():
            return super().unlink()

    @api.constrains("field", "stream_id", "direction")
    def _check_not_needed(self):
        for chosen in self:
            adapter = chosen.stream_id._adapter()
            one_way = chosen.direction != str(Direction.BOTH)
            if one_way and chosen.field in adapter._needed_paths():
                raise ValidationError(
                    self.env._(
                        "%(field)s must travel both ways: without it no record of "
                        "%(entity)s can be made on the other side.",
                        field=adapter._field_title(chosen.field.replace(".", "[].")),
                        entity=self.env._(adapter._entity_title),
                    )
                )


class SyncStream(models.Model):
    _inherit = "sync.stream"

    field_direction_ids = fields.One2many(
        "sync.field.direction", "stream_id", "Fields That Do Not Go Both Ways"
    )

    @tools.ormcache("self.id")
    def _directions(self):
        """Which way fields travel: :class:`~core.exchange.directions.Directions`."""
        self.ensure_one()
        chosen = self.sudo().field_direction_ids
        ways = {each.field: each.direction for each in chosen}
        ways |= self._further_ways()
        return Directions.of({**ways, **dict.fromkeys(self._absent(), Direction.NONE)})

    @contextmanager
    def _comparing_anew(self):
        """Directions of these streams change: a field that travels where it did not is
        compared anew, for what it became meanwhile is no edit that must travel."""
        streams = neutral(self.sudo())
        before = {stream: stream._directions() for stream in streams}
        yield
        self.env.flush_all()
        for stream, was in before.items():
            now = stream._directions()
            if now == was:
                continue
            if opened := was.opened(now):
                stream._forget_agreed_at(opened)
            if stream.pulls:
                # What is equal is agreed on by that; conflicts over what travels no
                # more are closed.
                stream.cursor = False
                stream.backend_id._schedule_pull()

    def _forget_agreed_at(self, paths):
        """Nothing was ever agreed on at these generic paths."""
        for mapping in self.env["sync.mapping"].search(
            [("stream_id", "=", self.id), ("unanswered", "!=", False)]
        ):
            state = mapping._state()
            mapping._move(state, state.forgotten(paths))
        self.env.flush_all()
        whole = [path for path in paths if "." not in path]
        values = [SQL("%s - %s::text[]", SQL.identifier(h), whole) for h in HALVES]
        for name in KEYED:
            start = f"{name}."
            inner = [p.removeprefix(start) for p in paths if p.startswith(start)]
            if inner:
                values = [_without_in_lines(value, name, inner) for value in values]
        self.env.execute_query(
            SQL(
                "UPDATE sync_mapping SET base = %s, odoo_base = %s "
                "WHERE stream_id = %s AND base IS NOT NULL RETURNING id",
                *values,
                self.id,
            )
        )
        self.env["sync.mapping"].invalidate_model(list(HALVES))


def _without_in_lines(value, name, fields_of_line):
    """SQL: a half without some fields of its lines."""
    return SQL(
        """(SELECT CASE WHEN jsonb_typeof(half -> %(name)s) = 'array' THEN
                jsonb_set(half, ARRAY[%(name)s], (
                    SELECT coalesce(
                               jsonb_agg(line - %(fields)s::text[] ORDER BY n), '[]')
                      FROM jsonb_array_elements(half -> %(name)s)
                           WITH ORDINALITY AS l (line, n)))
                ELSE half END
              FROM (SELECT %(value)s AS half) AS halves)""",
        name=name,
        fields=fields_of_line,
        value=value,
    )
