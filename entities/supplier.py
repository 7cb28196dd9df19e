from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL, LazyTranslate

from ..core.taxonomy import ErrorType
from .converters import Converter, Email, Flag
from .links import Coded

_lt = LazyTranslate(__name__)
# Letters and digits of a tax number, in PostgreSQL.
LETTERS = "upper(regexp_replace(%s, '[^[:alnum:]]', '', 'g'))"


class Vat(Converter):
    """A tax number: Odoo, and the app, may spell it in their own way."""

    @staticmethod
    def code(value):
        return _letters(value)

    @staticmethod
    def having(field, values):
        codes = list(map(_letters, values))

        def to_sql(partners, alias, query):
            column = partners._field_to_sql(alias, field, query)
            return SQL("%s = ANY(%s)", SQL(LETTERS, column), codes)

        return Domain.custom(to_sql=to_sql)

    def keeps(self, value, stored):
        return _letters(value) == _letters(stored)

    taken = keeps


class SyncEntitySupplier(models.AbstractModel):
    _name = "sync.entity.supplier"
    _inherit = "sync.entity"
    _description = "Synchronised Suppliers"

    _entity = "supplier"
    _entity_title = _lt("Suppliers")
    _entity_event_titles = {
        "created": _lt("Supplier created"),
        "updated": _lt("Supplier updated"),
        "deleted": _lt("Supplier deleted"),
        "synced": _lt("Supplier synced"),
    }
    _entity_model = "res.partner"
    _entity_collection = "suppliers"
    _entity_rank = 10
    _entity_cached = True
    _entity_missing = ErrorType.INVALID_SUPPLIER
    _entity_match = (("vat", "vat"), ("reference", "ref"))
    _entity_worldwide = frozenset({"vat"})
    _entity_essential = frozenset({"active"})
    _entity_tracked = {
        "res.partner": {
            "name",
            "ref",
            "vat",
            "email",
            "phone",
            "street",
            "street2",
            "city",
            "zip",
            "country_id",
            "active",
            "supplier_rank",
            "is_company",
            "company_id",
        }
    }

    @api.model
    def _converters(self):
        return (
            Converter("name", "name", required=True, title=_lt("Name")),
            Converter("reference", "ref", title=_lt("Reference")),
            Vat("vat", "vat", title=_lt("VAT")),
            Email("email", "email", title=_lt("Email")),
            Converter("phone", "phone", title=_lt("Phone")),
            Converter("street", "street", title=_lt("Street")),
            Converter("street2", "street2", title=_lt("Street 2")),
            Converter("city", "city", title=_lt("City")),
            Converter("zip", "zip", title=_lt("ZIP")),
            Coded(
                "country_code",
                "country_id",
                "res.country",
                "code",
                title=_lt("Country"),
            ),
            Flag("active", "active", title=_lt("Active")),
        )

    @api.model
    def _domain(self, backend):
        return (
            Domain("supplier_rank", ">", 0)
            & Domain("is_company", "=", True)
            & Domain("company_id", "in", [False, backend.company_id.id])
        )

    @api.model
    def _create(self, backend, incoming, directory):
        return self.env["res.partner"].create(
            [
                {
                    **self._values(data, directory),
                    "is_company": True,
                    "supplier_rank": 1,
                    "company_id": False,
                }
                for data in incoming
            ]
        )


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "sync.tracked"]

    _sync_entity = "supplier"

    # Tax numbers are looked up however they are spelled.
    _sync_vat_idx = models.Index(f"(({LETTERS % 'vat'})) WHERE vat IS NOT NULL")


def _letters(vat):
    return "".join(filter(str.isalnum, vat or "")).upper()
