{
    "name": "Pharmacy Sync: Parcels (Example)",
    "summary": "How another addon uses the toolkit, without a backend",
    "version": "19.0.1.0.0",
    "author": "Pharmacy Sync maintainers",
    "website": "https://pharmacy-sync.example.com",
    "license": "LGPL-3",
    "category": "Inventory/Purchase",
    "depends": ["pharmacy_sync"],
    "data": ["security/ir.model.access.csv"],
    "installable": True,
}
