"""Records as the entities read, write and match them: ``entities/``."""

from odoo.addons.pharmacy_sync.core.exceptions import DependencyMissingError

UNMAPPED = "odoo:"


class Records:
    """An order refers to its supplier by Odoo's id, and in canonical form by the
    pharmacy's. What has no supplier is a supplier, or is alone in its history."""

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

        :raises DependencyMissingError: Odoo does not have the supplier (yet)
        """
        if "supplier" not in data:
            return data
        mapping = self._mapping("external_id", data["supplier"])
        if not mapping or mapping.res_id is None:
            raise DependencyMissingError(
                "supplier", data["supplier"], field="supplier_id"
            )
        return {**data, "supplier": mapping.res_id}

    def _unmapped(self, data):
        """The supplier, if the pharmacy does not have it yet."""
        told = str(data.get("supplier", ""))
        return int(told.removeprefix(UNMAPPED)) if told.startswith(UNMAPPED) else None

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
