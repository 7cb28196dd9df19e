"""Two companies, A with a record of each model and B with people of each role; and
what is public in the addon, found by looking at it."""

import inspect

from odoo import fields
from odoo.exceptions import AccessError
from odoo.service.model import get_public_method
from odoo.tests import new_test_user
from odoo.tools import SQL, mute_logger

from .common import API, SyncCase

ADDON = "odoo.addons.pharmacy_sync."
# Part of every text that A has.
MARK = "walled"
# Models whose records belong to no company.
SHARED = {"sync.retry.policy", "sync.recovery.run", "sync.log.level"}
# Values for models that ask for more than required fields.
SPECIAL = {
    "sync.further.field": {"odoo_field": "website"},
    "sync.error.rule": {"http_status": 422},
    "sync.maintenance": {"end": "2100-01-01 00:00:00"},
}
# Those of B who may most and least: they also call methods on no records.
EXTREMES = ("manager", "portal")
MORE = "purchase.group_purchase_manager,base.group_allow_export"
ROLES = {
    "user": f"pharmacy_sync.group_user,{MORE}",
    "operator": f"pharmacy_sync.group_operator,{MORE}",
    "manager": f"pharmacy_sync.group_manager,{MORE}",
    "api": API,
    "internal": "base.group_user",
    "portal": "base.group_portal",
}


def our_models(env):
    """Names of the models that this addon defines or extends."""
    return sorted(
        name
        for name, cls in env.registry.items()
        if any(part.__module__.startswith(ADDON) for part in cls.mro())
    )


def our_records(env):
    """Names of the addon's own models that have records."""
    return [
        name
        for name in our_models(env)
        if name.startswith("sync.") and not env[name]._abstract
    ]


def public_methods(model):
    """What of this addon can be called on a model over RPC: ``{name: function}``."""
    found = {}
    for part in type(model).mro():
        if part.__module__.startswith(ADDON):
            for name, value in vars(part).items():
                if inspect.isfunction(value) and not name.startswith("_"):
                    try:
                        found[name] = get_public_method(model, name)
                    except AccessError:
                        continue
    return found


def company_path(env, name, seen=()):
    """The path from a model's records to their company; None: there is none."""
    model = env[name]
    if "company_id" in model._fields:
        return "company_id"
    relations = [
        field
        for field in model._fields.values()
        if field.type == "many2one"
        and field.store
        and field.comodel_name.startswith("sync.")
        and field.comodel_name not in seen
    ]
    for field in sorted(relations, key=lambda f: not f.required):
        path = company_path(env, field.comodel_name, (*seen, name))
        if path:
            return f"{field.name}.{path}"
    return None


class WallsCase(SyncCase):
    """Company A is the test's own; B has the second backend and the people."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.other_backend = cls.second_backend()
        cls.people = cls.make_people("b", cls.other_company)
        cls.other_backend.user_id = cls.people["api"]
        cls.owner = cls.env["res.users"].browse(
            cls.make_user("a_manager", ROLES["manager"])
        )
        cls.supplier.company_id = cls.company
        cls.products.company_id = cls.company
        cls.supplier.name = f"{MARK} supplier"
        cls.backend.name = f"{MARK} pharmacy"
        for product in cls.products:
            product.name = f"{MARK} {product.name}"

    @classmethod
    def make_people(cls, prefix, company):
        """A new user of one company for each role."""
        return {
            role: new_test_user(
                cls.env,
                f"{prefix}_{role}",
                groups,
                company_id=company.id,
                company_ids=[fields.Command.set(company.ids)],
            )
            for role, groups in ROLES.items()
        }

    def setUp(self):
        super().setUp()
        self.other_app.reset()
        self.records, self.own_rows = {}, []
        self.make_work()
        self.make_each()
        self.env.flush_all()
        self.app.call("DELETE", "/admin/requests")

    def make_work(self):
        """A has sent, read, failed, and met a conflict."""
        self.order = self.make_order(note=f"{MARK} first", partner_ref=f"{MARK} ref")
        self.push()
        link = self.mapping(self.order)
        self.app.edit("purchase-orders", link.external_id, notes=f"{MARK} theirs")
        self.order.note = f"{MARK} ours"
        self.pull()
        operation = self.operations(state="done")[0]
        operation.write({"state": "dead", "payload": {"name": MARK}})
        self.env["sync.error"]._record(
            ValueError(f"Out of {MARK} paper."),
            operation="push",
            backend_id=self.backend.id,
            operation_id=operation.id,
        )
        self.records = {
            "purchase.order": self.order,
            "purchase.order.line": self.order.order_line,
            "res.partner": self.supplier,
            "product.product": self.products,
            "product.template": self.products.product_tmpl_id,
            "sync.mapping": link,
            "sync.operation": operation,
        }

    def make_each(self):
        """A record of A of every model of the addon's own; dialogs last."""
        left = [n for n in our_records(self.env) if n not in self.records]
        left = [name for name in left if not self.find(name)]
        left.sort(key=lambda name: self.env[name]._transient)
        while left:
            failures = {}
            for name in left:
                try:
                    with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                        if not self.make(name):
                            failures[name] = "what it refers to"
                except Exception as exc:  # noqa: BLE001 - tried again, or reported
                    failures[name] = exc
            self.assertLess(len(failures), len(left), f"A has none of: {failures}")
            left = list(failures)

    def find(self, name):
        """Whether A has a record of the model by its work."""
        path = company_path(self.env, name)
        if self.env[name]._transient:
            return False
        model = self.env[name].with_context(active_test=False)
        own = [(path, "=", self.company.id)] if path else []
        found = model.search(own, limit=1)
        if found:
            self.records[name] = found.with_env(self.env)
        return bool(found)

    def make(self, name):
        """Whether a record could be made: not before all that it refers to."""
        model = self.env[name]
        values = self.values(model)
        if values is None:
            return False
        if model._transient:
            ids = self.records["sync.conflict"].ids
            model = model.with_user(self.owner).sudo().with_context(active_ids=ids)
        values.update(SPECIAL.get(name, {}))
        self.records[name] = model.create(values).with_env(self.env)
        return True

    def values(self, model):
        """Values of a new record of A; None: what it refers to is not there yet."""
        values = {}
        for name, field in model._fields.items():
            if not field.store or field.compute or name in ("id", "display_name"):
                continue
            if name == "company_id":
                values[name] = self.company.id
            elif field.relational:
                own = self.records.get(field.comodel_name)
                if (
                    not field.comodel_name.startswith("sync.")
                    or field.type == "one2many"
                ):
                    continue
                if not own:
                    if field.required:
                        return None
                    continue
                single = field.type == "many2one"
                values[name] = own[:1].id if single else [fields.Command.set(own.ids)]
            elif field.type == "reference":
                values[name] = f"res.partner,{self.supplier.id}"
            elif field.required and not field.default:
                values[name] = self.value(field)
        return values

    def value(self, field):
        if field.type == "selection":
            return field.get_values(self.env)[0]
        texts = {"url": self.app.url, "field": "name", "paths": "name"}
        return {
            "char": texts.get(field.name, MARK),
            "text": MARK,
            "datetime": fields.Datetime.now(),
            "date": fields.Date.today(),
            "json": {"name": MARK},
            "boolean": False,
        }.get(field.type, 1)

    # -- What is seen -----------------------------------------------------------------

    def all_rows(self):
        """What changes with any write to a table of the addon, or a new job."""
        jobs = SQL("SELECT 'queue.job', count(*), '' FROM queue_job")
        return self.digests([self.digest(name) for name in self.tables()] + [jobs])

    def rows_of_a(self):
        """What changes with a write to a row of A, or a new one."""
        if not self.own_rows:
            self.own_rows = [
                self.digest(name, self.of_a(name))
                for name in self.tables()
                if company_path(self.env, name)
            ]
        return self.digests(self.own_rows)

    def of_a(self, name):
        """The condition that a row is of A."""
        model = self.env[name].sudo().with_context(active_test=False)
        own = [(company_path(self.env, name), "=", self.company.id)]
        return SQL("id IN %s", model._search(own).subselect())

    def digest(self, name, condition=None):
        return SQL(
            "SELECT %s, count(*), md5(string_agg(ctid::text || xmin::text, ',' "
            "ORDER BY ctid)) FROM %s WHERE %s",
            name,
            SQL.identifier(self.env[name]._table),
            condition or SQL("TRUE"),
        )

    def digests(self, parts):
        self.env.flush_all()
        rows = self.env.execute_query(SQL(" UNION ALL ").join(parts))
        return {name: found for name, *found in rows}

    def tables(self):
        models = map(self.env.__getitem__, our_models(self.env))
        return [m._name for m in models if m._auto and not m._abstract]
