"""A veterinary pharmacy to look at; names and firms are invented."""

import random
from datetime import datetime, timedelta, timezone

from .records import ENTITIES, ORDERS, PRODUCTS, SUPPLIERS, Write, apply_one

_ACTOR = "demo data"
_DAYS = 90

_SUPPLIER_FIELDS = (
    "name",
    "reference",
    "vat",
    "email",
    "phone",
    "street",
    "zip",
    "city",
    "country_code",
)
_SUPPLIERS = (
    (
        "Distribuciones Veterinarias Almenara, S.L.",
        "PROV-001",
        "ESB31052228",
        "pedidos@almenaravet.example",
        "+34 976 555 014",
        "Polígono Malpica, calle E, nave 24",
        "50016",
        "Zaragoza",
        "ES",
    ),
    (
        "Nordheide Tierarzneimittel GmbH",
        "PROV-002",
        "DE256446233",
        "bestellung@nordheide-vet.example",
        "+49 4181 555 0120",
        "Lüneburger Straße 88",
        "21244",
        "Buchholz in der Nordheide",
        "DE",
    ),
    (
        "Comptoir Vétérinaire du Val d'Orne",
        "PROV-003",
        "FR63537536575",
        "commandes@valdorne-vet.example",
        "+33 2 55 55 01 37",
        "12 rue des Tanneurs",
        "61000",
        "Alençon",
        "FR",
    ),
    (
        "Zootecnica Brenta S.r.l.",
        "PROV-004",
        "IT02854010697",
        "ordini@zoobrenta.example",
        "+39 049 555 0162",
        "Via dell'Artigianato 7",
        "35013",
        "Cittadella",
        "IT",
    ),
    (
        "Lusovet Distribuição, Lda.",
        "PROV-005",
        "PT577893246",
        "encomendas@lusovet.example",
        "+351 239 555 018",
        "Rua do Brasil 210",
        "3030-175",
        "Coimbra",
        "PT",
    ),
)

# A preparation and its presentations, each with what a pack costs.
_PREPARATIONS = (
    ("Amoxicillin/clavulanic acid", "tablets", ("50 mg x 10", "6.40"),
     ("250 mg x 10", "11.85"), ("500 mg x 10", "18.20")),
    ("Cefalexin", "tablets", ("75 mg x 14", "7.95"), ("300 mg x 14", "14.60"),
     ("600 mg x 14", "22.35")),
    ("Enrofloxacin", "tablets", ("15 mg x 10", "5.75"), ("50 mg x 10", "9.90"),
     ("150 mg x 10", "17.45")),
    ("Metronidazole", "oral suspension", ("50 ml", "8.10"), ("100 ml", "13.25"),
     ("250 ml", "26.80")),
    ("Doxycycline", "tablets", ("20 mg x 10", "4.85"), ("100 mg x 10", "9.35"),
     ("300 mg x 10", "19.10")),
    ("Meloxicam", "oral suspension", ("10 ml", "6.95"), ("32 ml", "13.40"),
     ("100 ml", "27.90")),
    ("Carprofen", "chewable tablets", ("20 mg x 20", "8.30"),
     ("50 mg x 20", "13.95"), ("100 mg x 20", "21.70")),
    ("Robenacoxib", "tablets for cats", ("6 mg x 6", "7.60"),
     ("6 mg x 12", "13.85"), ("6 mg x 30", "31.20")),
    ("Tramadol", "tablets", ("20 mg x 30", "9.15"), ("50 mg x 30", "12.40"),
     ("80 mg x 30", "17.95")),
    ("Prednisolone", "tablets", ("5 mg x 20", "3.95"), ("10 mg x 20", "5.60"),
     ("20 mg x 20", "8.75")),
    ("Furosemide", "tablets", ("10 mg x 50", "5.20"), ("20 mg x 50", "6.90"),
     ("40 mg x 50", "9.85")),
    ("Pimobendan", "chewable tablets", ("1.25 mg x 50", "21.30"),
     ("5 mg x 50", "34.75"), ("10 mg x 50", "52.60")),
    ("Benazepril", "tablets", ("2.5 mg x 28", "8.45"), ("5 mg x 28", "12.10"),
     ("20 mg x 28", "23.65")),
    ("Fluralaner", "chewable tablet", ("112.5 mg", "17.80"), ("250 mg", "18.90"),
     ("500 mg", "20.40")),
    ("Fipronil", "spot-on", ("cat x 3", "9.25"), ("dog 10-20 kg x 3", "10.80"),
     ("dog 20-40 kg x 3", "12.35")),
    ("Praziquantel/pyrantel", "tablets", ("cat x 2", "4.20"), ("dog x 2", "4.65"),
     ("dog XL x 2", "7.90")),
    ("Maropitant", "tablets", ("16 mg x 4", "11.55"), ("24 mg x 4", "13.20"),
     ("60 mg x 4", "18.85")),
    ("Chlorhexidine", "shampoo", ("250 ml", "8.70"), ("500 ml", "14.95"),
     ("1 l", "25.40")),
    ("Sodium chloride 0.9 %", "infusion", ("250 ml", "1.35"), ("500 ml", "1.60"),
     ("1 l", "2.10")),
    ("Renal diet", "dry food for cats", ("400 g", "5.10"), ("1.5 kg", "15.75"),
     ("4 kg", "36.50")),
)  # fmt: skip
_MARGIN = 1.45
_STATES = ("draft", "sent", "awaiting_approval", "confirmed", "cancelled")
_STATE_WEIGHTS = (30, 25, 8, 32, 5)
_NOTES = (
    "",
    "",
    "",
    "Please deliver before noon.",
    "Cold chain: call the pharmacy before delivery.",
    "Deliver to the clinic's back entrance.",
    "Partial delivery is welcome.",
)


def seed(store, orders, number):
    """Load the demonstration data into an empty database, in one transaction.

    :param orders: how many purchase orders
    :param number: seed of their contents; the same seed, the same orders
    :return: whether anything was loaded, and how many living records there are
    """
    with store.write() as db:
        loaded = db.execute("SELECT 1 FROM record LIMIT 1").fetchone() is None
        if loaded:
            _load(store, db, orders, random.Random(number))
        counts = db.execute(
            "SELECT entity, count(*) FROM record WHERE deleted = 0 GROUP BY entity"
        ).fetchall()
    living = dict.fromkeys(ENTITIES, 0) | {row[0]: row[1] for row in counts}
    return {"loaded": loaded, **living}


def _load(store, db, orders, chance):
    def create(entity, data):
        write = Write("create", entity, data=data, actor=_ACTOR)
        return apply_one(store, db, write)[0]["data"]

    suppliers = [
        create(SUPPLIERS, dict(zip(_SUPPLIER_FIELDS, values, strict=True)))
        for values in _SUPPLIERS
    ]
    products = [create(PRODUCTS, data) for data in _products()]
    now = datetime.now(timezone.utc)
    ages = sorted((chance.uniform(0, _DAYS) for _ in range(orders)), reverse=True)
    for age in ages:
        ordered = now - timedelta(days=age)
        create(ORDERS, _order(chance, ordered, suppliers, products))


def _products():
    for number, (name, form, *presentations) in enumerate(_PREPARATIONS):
        for size, (presentation, cost) in enumerate(presentations):
            yield {
                "name": f"{name} {form} {presentation}",
                "code": f"VET-{number + 1:02d}{size + 1}",
                "barcode": _ean13(f"84370{number:04d}{size + 1:03d}"),
                "cost": cost,
                "price": f"{float(cost) * _MARGIN:.2f}",
            }


def _ean13(digits):
    """Twelve digits and their check digit."""
    weighted = sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"


def _order(chance, ordered, suppliers, products):
    chosen = chance.sample(products, chance.randint(1, 6))
    return {
        "supplier_id": chance.choice(suppliers)["id"],
        "state": chance.choices(_STATES, _STATE_WEIGHTS)[0],
        "ordered_at": _text(ordered),
        "expected_at": _text(ordered + timedelta(days=chance.randint(1, 10))),
        "notes": chance.choice(_NOTES),
        "lines": [
            {
                "product_id": product["id"],
                "description": product["name"],
                "quantity": f"{chance.choice((1, 2, 3, 5, 6, 10, 12, 20, 24))}.00",
                "uom": product["uom"],
                "unit_price": product["cost"],
            }
            for product in chosen
        ],
    }


def _text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
