"""The verbs of ``./dev``."""

import argparse
import os
import signal
import sys

from . import (
    bench,
    chaos,
    conform,
    docs,
    lint,
    machine,
    mutate,
    news,
    own_runner,
    paths,
    readme,
    settings,
    stack,
    testing,
    translations,
    upgrade,
    venv,
)
from .progress import StepError, explain


def main(words):
    """Do what the words say; the exit code."""
    options, rest = _parser().parse_known_args(words)
    if rest and options.verb != "test":
        _parser().error(f"unknown: {' '.join(rest)}")
    os.chdir(paths.ROOT)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        paths.prepare()
        good = options.act(options, rest) is not False
        sys.stdout.flush()
        return 0 if good else 1
    except StepError as failure:
        explain(failure)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader closed the pipe; what is left must not raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser():
    parser = argparse.ArgumentParser(
        prog="./dev",
        description="Sets up, runs, tests and measures Pharmacy Sync.",
        epilog=settings.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name, text, act):
        adder = verbs.add_parser(name, help=text, description=text)
        adder.set_defaults(act=act)
        return adder

    _add_servers(verb)
    _add_tests(verb)
    _add_measures(verb)
    _add_writers(verb)
    return parser


def _add_servers(verb):
    starting = verb(
        "up",
        "set up, start, fill with demonstration data",
        lambda options, _: stack.up(options.servers),
    )
    starting.add_argument(
        "--servers", type=int, default=1, help="Odoo servers on one database"
    )
    verb("stop", "end the servers", lambda *_: stack.stop())
    verb("status", "say what runs", lambda *_: stack.status())
    cleaning = verb(
        "clean",
        "stop, drop databases, remove .dev but for what was downloaded",
        lambda options, _: stack.clean(options.all),
    )
    cleaning.add_argument("--all", action="store_true", help="remove that too")


def _add_tests(verb):
    test = verb(
        "test",
        "run all tests; what is not known here goes to pytest",
        _test,
    )
    kind = test.add_mutually_exclusive_group()
    kind.add_argument("--fast", action="store_true", help="only tests in one process")
    kind.add_argument(
        "--odoo",
        action="store_true",
        help="under Odoo's own runner; further words are tags of tests",
    )
    kind.add_argument(
        "--long",
        action="store_true",
        help="all, then under Odoo's own runner, then a sample of mutate",
    )
    fixing = verb("lint", "run the linters", lambda options, _: lint.run(options.fix))
    fixing.add_argument("--fix", action="store_true", help="correct what can be")
    kit = verb(
        "conform",
        "run the published contract against an app, in a sandbox of its own",
        lambda options, _: conform.run(options.url, options.key, options.verbose),
    )
    kit.add_argument("url", metavar="URL", help="of the sandbox")
    kit.add_argument(
        "--key", help="API key; better in the environment: PHARMACY_API_KEY"
    )
    kit.add_argument("--verbose", action="store_true", help="show all requests")
    faults = verb(
        "mutate",
        "build faults into the code, and see that tests notice",
        lambda options, _: mutate.run(options.areas, options.count, options.seed),
    )
    faults.add_argument(
        "areas",
        nargs="*",
        help="core, models, a room or a file of them; without: the first two",
    )
    faults.add_argument(
        "--count", type=int, default=mutate.SAMPLE, help="faults an area"
    )
    faults.add_argument("--seed", type=int, default=1, help="another draws others")


def _add_measures(verb):
    measure = verb("bench", "measure", lambda options, _: bench.run(options.names))
    measure.add_argument("names", nargs="*", help="as in benchmarks/bench_NAME.py")
    storm = verb(
        "chaos",
        "kill and disturb all while both sides write, and compare",
        lambda options, _: chaos.run(
            options.seed, options.minutes, options.servers, options.own_postgres
        ),
    )
    storm.add_argument("--seed", type=int, default=1, help="another draws another one")
    storm.add_argument("--minutes", type=float, default=4.0, help="of trouble")
    storm.add_argument(
        "--servers", type=int, default=2, help="Odoo servers on one database"
    )
    storm.add_argument(
        "--own-postgres",
        action="store_true",
        help="on a PostgreSQL server of its own, which is killed as well",
    )


def _add_writers(verb):
    verb("readme", "write README.rst from readme/", lambda *_: _readme())
    verb("docs", "build the pages of docs/", lambda *_: docs.write())
    dump = verb(
        "dump",
        "keep a filled database of an earlier version for the test of upgrades",
        lambda options, _: upgrade.make(options.commit),
    )
    dump.add_argument("commit", help="of the version, as git names it")
    verb("news", "release the news fragments", lambda *_: news.release())
    verb("i18n", "bring the translations up to the texts", lambda *_: _i18n())


def _test(options, rest):
    if options.odoo:
        return own_runner.run(rest)
    # All of them run there anyway.
    further = () if options.long else (own_runner.sample,)
    good = testing.run(options.fast, rest, further)
    if options.long:
        # All of them, also where one is red: a night is for finding all.
        return all([good, own_runner.run(), mutate.run((), mutate.SAMPLE, 1)])
    return good


def _readme():
    venv.ensure_lint()
    readme.write()


def _i18n():
    machine.prepare()
    translations.write()


def _interrupt(*_signal):
    """End on SIGTERM as on an interrupt: children are ended, clones dropped."""
    raise KeyboardInterrupt
