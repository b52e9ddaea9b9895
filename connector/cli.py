"""The `zapbase` command.

Exit codes: 0 when it is done, or after a planned stop; 1 after a failure; 2 for a wrong
command or setting.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from connector import __version__, go_environment, spool_commands
from connector.errors import InvalidSetting
from connector.settings import Settings

FAILED = 1
WRONG_USE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    match chosen.command:
        case "version":
            print(f"zapbase {__version__}")
            return 0
        case "spool":
            return _spool(chosen)
        case "doctor":
            return _examine(chosen)
        case _:
            return _run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zapbase", description="WhatsApp for apps built on Supabase."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("run", help="connect the linked numbers until told to stop")
    spool_commands.add_to(commands)
    doctor = commands.add_parser("doctor", help="check everything, and name the cures")
    doctor.add_argument("--json", action="store_true", help="for programs")
    commands.add_parser("version", help="print the version")
    return parser


def _run() -> int:
    try:
        settings = Settings.from_environment(os.environ)
        go_environment.ensure(os.environ)
        # Imported late: `zapbase version` needs neither neonize nor Supabase.
        from connector.main import run  # noqa: PLC0415 - see above

        return run(settings)
    except InvalidSetting as error:
        print(error, file=sys.stderr)
        return WRONG_USE


def _examine(chosen: argparse.Namespace) -> int:
    # Imported late: `zapbase version` needs no Supabase.
    from connector.doctor.examination import examine  # noqa: PLC0415 - see above

    told, well = examine(os.environ, as_json=chosen.json)
    print(told)
    return 0 if well else FAILED


def _spool(chosen: argparse.Namespace) -> int:
    try:
        print(spool_commands.run(chosen, os.environ))
    except spool_commands.CommandFailed as failure:
        print(failure, file=sys.stderr)
        return failure.code
    return 0
