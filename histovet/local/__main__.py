"""The commands behind the Makefile: python -m histovet.local COMMAND.

Each starts the database when nobody else has, and the last to end stops it.
Exit status: that of the command; 1 when something is missing and 2 when something
cannot be meant, with a line that says what to do; 128 + signal when ended by Ctrl-C, TERM or a closed terminal.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence

from histovet.local import arguments as given
from histovet.local.bill import write_bill
from histovet.local.dashboard import kept_operator
from histovet.local.errors import LocalError, Stopped
from histovet.local.partner import make_partner_key
from histovet.local.processes import children
from histovet.local.publish import migrate, publish
from histovet.local.state import REPOSITORY, open_state
from histovet.local.suite import (
    MEASUREMENTS,
    run_bench,
    run_lint,
    run_mutants,
    run_proofs,
    run_tests,
)
from histovet.local.terminal import fail, say
from histovet.local.workplace import Workplace, open_workplace


def main(arguments: Sequence[str]) -> int:
    try:
        chosen = _parse(arguments)
        os.chdir(REPOSITORY)
        state = open_state()
        with children() as family:
            if chosen.command == "lint":
                return run_lint(state, family)
            if chosen.command == "code":
                say(kept_operator(state).code(time.time()))
                return 0
            if chosen.command == "sbom":
                write_bill(state)
                return 0
            if chosen.command == "mutants":
                return run_mutants(state, family, chosen.only)
            with open_workplace(state, family) as workplace:
                return _run(workplace, chosen)
    except LocalError as exc:
        return fail(exc)
    except Stopped as exc:
        return 128 + exc.signum


def _run(workplace: Workplace, chosen: argparse.Namespace) -> int:
    match chosen.command:
        case "run":
            # It loads the synthetic register's tables, which takes a while.
            from histovet.local.site import run_site

            run_site(workplace, chosen.port, chosen.inspections)
        case "test":
            return run_tests(workplace, chosen.arguments)
        case "proofs":
            return run_proofs(workplace, chosen.only)
        case "ingest":
            migrate(workplace)
            publish(workplace, chosen.feed, chosen.label, chosen.as_of)
        case "partner":
            migrate(workplace)
            say(make_partner_key(workplace, chosen.name))
        case "bench" | "bench-ingest" | "bench-growth":
            module = MEASUREMENTS[chosen.command]
            return run_bench(workplace, module, chosen.arguments)
        case "exec":
            # Their `python` is ours, which has what they need.
            programs = os.path.dirname(sys.executable)
            path = f"{programs}:{workplace.environment.get('PATH', os.defpath)}"
            here = workplace.with_variables(PATH=path)
            return here.family.run(chosen.arguments, here.environment)
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m histovet.local", description=__doc__.partition("\n\n")[0]
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="serve the site on 127.0.0.1")
    run.add_argument(
        "--port", type=given.port, default=os.environ.get("PORT") or "8000"
    )

    run.add_argument(
        "--inspections",
        type=given.inspections,
        default=os.environ.get("INSPECTIONS") or "feed",
        help="feed, or utac: its stand-in on this machine is asked",
    )

    commands.add_parser("test", help="run the tests; options of pytest may follow")

    proofs = commands.add_parser("proofs", help="run the longer proofs")
    proofs.add_argument("--only", type=given.proof, default="", metavar="NAME")

    mutants = commands.add_parser("mutants", help="change the rules; tests must notice")
    mutants.add_argument("--only", default="", metavar="MODULE")

    ingest = commands.add_parser("ingest", help="publish a folder of extracts")
    ingest.add_argument("--feed", type=given.feed, required=True, metavar="DIR")
    ingest.add_argument("--label", default="", help="the release's name")
    ingest.add_argument("--as-of", default="", help="the day its data stand for")

    partner = commands.add_parser("partner", help="print a new partner key")
    partner.add_argument("--name", required=True)

    commands.add_parser("code", help="print the present code of make run's operator")

    commands.add_parser("bench", help="measure, and write bench.json")
    commands.add_parser(
        "bench-ingest", help="measure a large ingest; options may follow"
    )
    commands.add_parser("bench-growth", help="the same as it grows; options may follow")
    commands.add_parser("lint", help="check style, types and security")
    commands.add_parser("sbom", help="write the bill of materials")
    commands.add_parser("exec", help="run the command that follows --")

    # argparse would take the options of pytest or of the command for its own.
    if arguments and arguments[0] in ("test", "exec", *MEASUREMENTS):
        rest = list(arguments[1:])
        if rest[:1] == ["--"]:
            del rest[0]
        elif rest in (["-h"], ["--help"]):
            parser.parse_args(arguments)
        if arguments[0] == "exec" and not rest:
            parser.error("exec needs a command: exec -- COMMAND ARGUMENT ...")
        return argparse.Namespace(command=arguments[0], arguments=rest)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
