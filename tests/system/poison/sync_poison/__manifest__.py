{
    "name": "Poison for Pharmacy Sync",
    "summary": "Ends the process that looks at one record: for tests alone",
    "version": "19.0.1.0.0",
    "license": "LGPL-3",
    "author": "Pharmacy Sync",
    "depends": ["pharmacy_sync"],
    "installable": True,
}
