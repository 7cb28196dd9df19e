"""Start the pharmacy application, or print its OpenAPI document.

The environment has what nobody may read in a list of processes: PHARMACY_API_KEY, the
key of all requests, and PHARMACY_WEBHOOK_SECRET (whsec_...), which signs the notices to
the address of --webhook-url.
"""

import argparse
import json
import logging
import os
import tempfile

import uvicorn

from .abilities import Ability
from .app import Options, create_app
from .auth import HEADER, SCOPE, TOKEN_PATH, USER, Method
from .transport import ExposedProtocol

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m pharmacy_app", description=__doc__)
    parser.set_defaults(
        api_key=os.environ.get("PHARMACY_API_KEY"),
        webhook_secret=os.environ.get("PHARMACY_WEBHOOK_SECRET"),
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8079)
    parser.add_argument("--database", default="pharmacy.sqlite", help="SQLite file")
    parser.add_argument("--webhook-url", help="where notices of changes go")
    parser.add_argument("--webhook-database", help="sent as X-Odoo-Database")
    parser.add_argument(
        "--hide",
        action="append",
        default=[],
        choices=[ability.value for ability in Ability],
        help="seem not to have this ability; can be repeated",
    )
    parser.add_argument(
        "--auth",
        default=Method.BEARER.value,
        choices=[method.value for method in Method],
        help=f"how requests say who asks, always with the same key: {HEADER} is the "
        f"header, {USER} the user and the client; tokens of {TOKEN_PATH} have the "
        f"scope {SCOPE}",
    )
    parser.add_argument("--log-file", help="instead of standard error")
    parser.add_argument("--print-openapi", action="store_true")
    options = parser.parse_args(arguments)
    if not options.print_openapi and not options.api_key:
        parser.error("PHARMACY_API_KEY must be set in the environment")
    if options.webhook_url and not options.webhook_secret:
        parser.error("--webhook-url needs PHARMACY_WEBHOOK_SECRET in the environment")
    return options


def openapi_text():
    """The OpenAPI document as it is committed."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Options(os.path.join(folder, "empty.sqlite"), "none"))
        app.state.store.close()
        return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


def server(app, host, port):
    """A uvicorn server for the application, not started."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=ExposedProtocol,
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=3,
        )
    )


def _log_to(path):
    handler = logging.StreamHandler()
    if path:
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter(_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def main():
    arguments = parse_arguments()
    if arguments.print_openapi:
        print(openapi_text(), end="")
        return
    _log_to(arguments.log_file)
    options = Options(
        database=arguments.database,
        api_key=arguments.api_key,
        webhook_url=arguments.webhook_url,
        webhook_secret=arguments.webhook_secret,
        webhook_database=arguments.webhook_database,
        hidden=tuple(map(Ability, arguments.hide)),
        auth=Method(arguments.auth),
    )
    server(create_app(options), arguments.host, arguments.port).run()


if __name__ == "__main__":
    main()
