{
    "name": "Pharmacy Sync: Price Lists (Example)",
    "summary": "How another addon adds an entity, in one file",
    "version": "19.0.1.0.0",
    "author": "Pharmacy Sync maintainers",
    "website": "https://pharmacy-sync.example.com",
    "license": "LGPL-3",
    "category": "Inventory/Purchase",
    "depends": ["pharmacy_sync"],
    "installable": True,
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
}
