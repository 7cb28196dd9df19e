"""Records as the entities read, write and match them: ``entities/``."""

from odoo.addons.pharmacy_sync.core.exceptions import DependencyMissingError

from .ledger import DEFAULT

UNMAPPED = "odoo:"
# What stands behind it Odoo cannot hold.
DETAIL = "~"
NEW_RECORD = {"notes": DEFAULT, "date": DEFAULT}
NEW_LINE = {"quantity": DEFAULT, "price": DEFAULT}


class Records:
    """An order refers to its supplier by Odoo's id, and in canonical form by the
    pharmacy's. What has no supplier is a supplier, or is alone in its history."""

    @staticmethod
    def _held(path, value):
        """What Odoo returns of a value once it has it: without what stands behind the
        sign that only the pharmacy knows (:mod:`.persons`)."""
        return value.partition(DETAIL)[0] if isinstance(value, str) else value

    def _kept(self, values):
        """A record as Odoo keeps it: with its defaults, and without details."""
        kept = {name: self._held(name, value) for name, value in values.items()}
        kept["lines"] = [
            {**NEW_LINE, **{name: self._held(name, v) for name, v in line.items()}}
            for line in values.get("lines", ())
        ]
        return {**NEW_RECORD, **kept}

    def _serialise(self, res_id):
        """The record in canonical form; None if it is gone."""
        record = self.records.get(res_id)
        if record is None or "supplier" not in record:
            return record
        return {**record, "supplier": self._external_id(record["supplier"])}

    def _external_id(self, res_id):
        mapping = self._mapping("res_id", res_id)
        return (mapping and mapping.external_id) or f"{UNMAPPED}{res_id}"

    def _values(self, data):
        """Odoo's values for canonical ``data``.

        :raises DependencyMissingError: Odoo does not have the supplier, not yet or not
            any more
        """
        if "supplier" not in data:
            return data
        mapping = self._mapping("external_id", data["supplier"])
        if not mapping or mapping.res_id not in self.records:
            raise DependencyMissingError(
                "supplier", data["supplier"], field="supplier_id"
            )
        return {**data, "supplier": mapping.res_id}

    def _unmapped(self, data):
        """The supplier, if the pharmacy does not have it yet."""
        supplier = str(data.get("supplier", ""))
        if not supplier.startswith(UNMAPPED):
            return ()
        return (int(supplier.removeprefix(UNMAPPED)),)

    def _match(self, data):
        """The record of the same number, if it has no counterpart. An order whose
        supplier nobody knows is not known to be the same."""
        self._values(data)
        for res_id, record in self.records.items():
            if record["name"] == data["name"]:
                mapping = self._mapping("res_id", res_id)
                if not mapping or not mapping.external_id:
                    return res_id
        return None
