"""Odoo configuration files."""

import configparser

from . import odoo, paths

# Those of the pools, cut to what two cores bear.
CHANNELS = ",".join(
    (
        "root:2",
        "root.pharmacy_sync:2",
        "root.pharmacy_sync.order_sync:2",
        "root.pharmacy_sync.supplier_query:2",
        "root.pharmacy_sync.reporting:1",
        "root.pharmacy_sync.delivery:1",
    )
)


def write(
    name,
    database=None,
    http_port=None,
    addons=paths.ADDONS,
    neighbours=False,
    jobs=True,
    **options,
):
    """Write ``.dev/run/<name>.conf`` and return its path.

    Threaded mode, so that everything is served on one port, with queue_job's
    runner. Without ``database`` the caller names one on the command line.
    ``addons`` is the folder that holds this addon; with ``neighbours`` those of others
    are found as well. ``jobs`` says whether the runner performs any: where a test does
    what it would, it must not come in between.
    """
    parser = configparser.ConfigParser(interpolation=None)
    parser["options"] = {
        "addons_path": ",".join(odoo.addons_path(addons, neighbours)),
        "data_dir": str(paths.DATA),
        "server_wide_modules": "base,web,rpc,queue_job",
        "http_interface": "127.0.0.1",
        "list_db": "False",
        "max_cron_threads": "1",
        "workers": "0",
        "db_maxconn": "24",
        **{key: str(value) for key, value in options.items()},
    }
    if database:
        # Without a filter: with one Odoo asks PostgreSQL for the names of its databases
        # at each request, over one more connection.
        parser["options"]["db_name"] = database
    if http_port:
        parser["options"]["http_port"] = str(http_port)
    parser["queue_job"] = {"channels": CHANNELS if jobs else "root:0"}
    path = paths.RUN / f"{name}.conf"
    with open(path, "w") as output:
        parser.write(output)
    return path
