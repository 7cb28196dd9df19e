# Copyright 2026 Pharmacy Sync maintainers
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Pharmacy Sync",
    "summary": "Keeps purchase orders, suppliers and products in step with a "
    "pharmacy app",
    "version": "19.0.1.0.0",
    "category": "Inventory/Purchase",
    "license": "LGPL-3",
    "author": "Pharmacy Sync maintainers",
    "depends": ["purchase", "queue_job"],
    "external_dependencies": {"python": ["requests"]},
    "data": [
        "security/sync_groups.xml",
        "security/ir.model.access.csv",
        "security/sync_rules.xml",
        "data/queue_job.xml",
        "data/retry_policy.xml",
        "data/ir_cron.xml",
        "views/sync_backend.xml",
        "views/sync_stream.xml",
        "views/sync_mapping.xml",
        "views/sync_operation.xml",
        "views/sync_conflict.xml",
        "views/sync_error.xml",
        "views/sync_call.xml",
        "views/sync_event.xml",
        "views/sync_retry_policy.xml",
        "views/menuitems.xml",
    ],
    "application": True,
    "installable": True,
}
