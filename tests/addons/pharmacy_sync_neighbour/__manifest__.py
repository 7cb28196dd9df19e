{
    "name": "Pharmacy Sync: A Stubborn Neighbour (Test)",
    "summary": "Overrides that change, refuse and require values, as other addons do",
    "version": "19.0.1.0.0",
    "author": "Pharmacy Sync maintainers",
    "website": "https://pharmacy-sync.example.com",
    "license": "LGPL-3",
    "category": "Inventory/Purchase",
    "depends": ["pharmacy_sync"],
    "installable": True,
    "pre_init_hook": "pre_init_hook",
}
