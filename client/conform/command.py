"""The kit on the command line."""

import argparse
import os

from ..auth import Basic, Bearer, Header
from .kit import run
from .report import State, as_text

KEY = "PHARMACY_API_KEY"


def main(words=None):
    """Run the kit and print its report; the exit code: 0 if nothing is broken."""
    parser = argparse.ArgumentParser(
        prog="conform",
        description="Runs the published contract against an app. It creates a few "
        "records there, whose names say so, and removes them again: name a sandbox.",
    )
    parser.add_argument(
        "url", metavar="URL", help="such as https://sandbox.example.com"
    )
    parser.add_argument(
        "--key",
        default=os.environ.get(KEY),
        help=f"API key; better in the environment, as {KEY}",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--user", help="send the key as the password of this user")
    way.add_argument("--header", help="send the key in this header, as it is")
    parser.add_argument(
        "--verbose", action="store_true", help="show requests and answers of all checks"
    )
    options = parser.parse_args(words)
    if not options.key:
        parser.error(f"give --key, or {KEY} in the environment")
    if not options.url.startswith(("http://", "https://")):
        parser.error("URL must begin with http:// or https://")
    report = run(options.url, _auth(options))
    shown = tuple(State) if options.verbose else (State.BROKEN, State.ABSENT)
    print(as_text(report, shown))  # pylint: disable=print-used
    return 0 if report.passed else 1


def _auth(options):
    if options.user:
        return Basic(options.user, options.key)
    if options.header:
        return Header(options.header, options.key)
    return Bearer(options.key)
