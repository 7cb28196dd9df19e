import re
from contextlib import contextmanager

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ....core.backend.naming import (
    ENVELOPE,
    KEY,
    NOT_SENT,
    Kind,
    Name,
    Names,
    collisions,
)
from ....core.backend.naming_text import (
    apart_of_lines,
    parse_constants,
    parse_path,
    parse_query,
)
from ....core.conflict.merge import KEYED
from ....core.exceptions import InvalidDataError

API = "/api/v1"
PATHS = ("list_path", "next_path", "record_path")
PARAMETERS = ("after_name", "first_page", "limit_name", "since_name", "key_query")
_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+"
PLACE = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
API_PATH = re.compile(rf"(?:/{_SEGMENT})*")
RECORDS = ("one_name", "record_query", "new_values", "leaves_out_empty")
LINES = ("gives_line_keys", "lines_place", "lines_owner")
CALLED = frozenset(
    {"place", "list_query", "change_method", *PATHS, *PARAMETERS, *RECORDS, *LINES}
)


class SyncStream(models.Model):
    """How an entity is called by an app that is not written for the contract."""

    _inherit = "sync.stream"

    field_name_ids = fields.One2many(
        "sync.field.name", "stream_id", "Fields That the App Calls Otherwise"
    )
    place = fields.Char(
        "Address at the App",
        help="What the address of the records ends with, behind that of the API; "
        "empty: as in the contract, such as purchase-orders.",
    )
    list_path = fields.Char(
        "Records of a List",
        default="items",
        help="Name of the field that has the records of a list; empty: the answer is "
        "the list itself.",
    )
    record_path = fields.Char(
        "Record of an Answer",
        help="Name of the field that has the record in an answer about one; empty: the "
        "answer is the record itself.",
    )
    next_path = fields.Char(
        "Next Page",
        default="next_after",
        help="Name of the field by which a list says how it goes on: what is asked for "
        "next, or an address that has it. Empty: pages have numbers.",
    )
    after_name = fields.Char(
        "Asks for a Later Page By",
        default="after",
        required=True,
        help="Name of the parameter.",
    )
    limit_name = fields.Char(
        "Asks for So Many By",
        default="limit",
        required=True,
        help="Name of the parameter.",
    )
    since_name = fields.Char(
        "Asks for Changes Since By",
        default="updated_since",
        required=True,
        help="Name of the parameter.",
    )
    first_page = fields.Integer(
        default=1,
        help="Number of the first page, where pages have numbers.",
    )
    key_query = fields.Char(
        "Asks for Odoo's Key By",
        help="For an app that finds a record by Odoo's key otherwise than by the name "
        "of its field: the parameter, as in an address, with {} in place of the key, "
        "such as filter=ref_ext eq '{}'.",
    )
    list_query = fields.Char(
        "Asks Always",
        help="What else is asked with each list, as in an address: "
        "status=any&expand=1.",
    )
    change_method = fields.Selection(
        [("PATCH", "PATCH"), ("PUT", "PUT"), ("POST", "POST")],
        "Changes By",
        default="PATCH",
        required=True,
        help="How the app takes a change. It must leave the fields alone that the "
        "change does not name.",
    )
    one_name = fields.Char(
        "Asks for a Single Record By",
        help="Name of the parameter, for an app that has single records in its list "
        "only, such as ids. Empty: each record has an address of its own.",
    )
    record_query = fields.Char(
        "Asks with a Single Record",
        help="What else is asked with the address of a record, as in an address: "
        "expand=rows.",
    )
    new_values = fields.Text(
        "Sends with a New Record",
        help="What the app wants of a new record and Odoo does not have: where the app "
        "has it = its value, one a line, such as location_id = 1. What begins with "
        "where the app has the lines is sent with each new line: lines.kind = 0.",
    )
    leaves_out_empty = fields.Boolean(
        "New Ones Leave Out What Is Empty",
        help="For an app that does not take null or an empty text.",
    )
    gives_line_keys = fields.Boolean(
        "The App Gives Each Line Its Key",
        help="A new line is sent without a key, and found again by its values in what "
        "the app answers.",
    )
    lines_place = fields.Char(
        "Address of Lines",
        help="What the address of single lines ends with, where the app takes a change "
        "of a line in a call of its own. Empty: lines are changed with their record. "
        "The lines of a new record are always sent with it.",
    )
    lines_owner = fields.Char(
        "A Line Names Its Record By",
        help="Name of the field by which a new line says what it belongs to, such as "
        "order_id.",
    )

    calls_otherwise = fields.Boolean(
        compute="_compute_calls_otherwise",
        help="The app calls things otherwise than the contract does.",
    )

    @api.depends("entity", "field_name_ids", *CALLED)
    def _compute_calls_otherwise(self):
        for stream in self:
            try:
                own = bool(stream.entity) and stream._app_names().own
            except InvalidDataError:
                # Being typed: whatever comes of it, the contract has no such path.
                own = True
            stream.calls_otherwise = own

    @api.constrains("field_name_ids", *CALLED)
    def _check_naming(self):
        for stream in self:
            try:
                names = stream._app_names()
            except InvalidDataError as exc:
                raise ValidationError(exc.message) from exc
            if stream.place and not PLACE.fullmatch(stream.place):
                raise ValidationError(
                    self.env._(
                        "%s is no end of an address, such as orders or stock/orders.",
                        stream.place,
                    )
                )
            stream._check_lines_place()
            needed = sorted({*stream._absent()} & stream._adapter()._needed_paths())
            if needed:
                raise ValidationError(
                    self.env._(
                        "The app must have %s: without it no record can be made.",
                        ", ".join(needed),
                    )
                )
            for one, other in collisions(names.fields, names.known - NOT_SENT):
                raise ValidationError(
                    self.env._(
                        "%(one)s and %(other)s have the same place at the pharmacy: "
                        "what is sent of one would overwrite the other. Say where the "
                        "app has each, or say that it has none.",
                        one=one,
                        other=other,
                    )
                )

    def _check_lines_place(self):
        place = self.lines_place
        if not place:
            return
        if not PLACE.fullmatch(place):
            raise ValidationError(
                self.env._("%s is no end of an address, such as order-lines.", place)
            )
        if not (self.lines_owner and self.gives_line_keys):
            raise ValidationError(
                self.env._(
                    "Lines with an address of their own are known by the key that the "
                    "app gives them, and say which record they belong to."
                )
            )

    @contextmanager
    def _naming_anew(self):
        """Names of these streams change: what the app has nothing of does not travel,
        and all is read once more."""
        with self._comparing_anew():
            yield
        self.cursor = False

    def _absent(self):
        """Generic paths of the fields that the app has nothing of."""
        names = self.sudo().field_name_ids
        known = self._adapter()._paths()
        return [n.field for n in names if n.kind == Kind.NONE and n.field in known]

    def _app_names(self):
        """How the app calls what this stream carries, a
        :class:`....core.backend.naming.Names`.

        :raises InvalidDataError: a path cannot be read
        """
        self.ensure_one()
        stream, adapter = self.sudo(), self._adapter()
        found, following, record, owner = (
            parse_path(stream[name] or "") for name in (*PATHS, "lines_owner")
        )
        around = {*ENVELOPE, *(f"{name}.{KEY}" for name in KEYED)}
        lines = set(KEYED) if adapter._entity_lines else set()
        named = {
            **{
                f.field: Name(f._path_at_app())
                for f in stream.further_field_ids
                if "." in (f.path or "")
            },
            **{name.field: name._as_name() for name in stream.field_name_ids},
        }
        constants, of_lines = apart_of_lines(
            parse_constants(stream.new_values or ""),
            _place_of_lines(named) if lines else (),
        )
        return Names(
            stream.place or adapter._entity_collection,
            named,
            frozenset(adapter._travelling_paths(stream.backend_id) | around | lines),
            record,
            found,
            following,
            stream.after_name,
            stream.limit_name,
            stream.since_name,
            stream.first_page,
            parse_query(stream.key_query or ""),
            stream.list_query or "",
            stream.change_method,
            stream.one_name or "",
            stream.record_query or "",
            constants,
            of_lines,
            stream.leaves_out_empty,
            stream.gives_line_keys,
            stream.lines_place or "",
            owner,
        )


def _place_of_lines(names):
    """Where the app has the lines, by the names of its fields."""
    (lines,) = KEYED
    return names[lines].path if lines in names else (lines,)


class SyncBackend(models.Model):
    """Where the app's API begins, and how it calls things."""

    _inherit = "sync.backend"

    api_path = fields.Char(
        "API Begins At",
        default=API,
        help="What follows the address in front of every call: /api/v1 by the "
        "contract. May be empty.",
    )

    @api.constrains("api_path")
    def _check_api_path(self):
        for path in self.mapped("api_path"):
            self._check_path(path)

    @api.model
    def _check_path(self, path):
        """Refuse what does not only continue the address of the app.

        :raises ValidationError: with it the key could be carried to another host
        """
        if path and not API_PATH.fullmatch(path):
            raise ValidationError(
                self.env._("%s is no part of an address, such as /api/v1.", path)
            )

    @tools.ormcache("self.id")
    def _app_names(self):
        """How the app calls things: ``{collection: core.backend.naming.Names}``."""
        self.ensure_one()
        streams = self.sudo().with_context(active_test=False).stream_ids
        return {
            stream._adapter()._entity_collection: stream._app_names()
            for stream in streams
        }
