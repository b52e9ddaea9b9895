"""The `zapbase` command.

Exit codes: 0 when it is done, or after a planned stop; 1 after a failure; 2 for a wrong
command or setting.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from connector import __version__, go_environment, spool_commands
from connector.commands import FAILED, WRONG_USE, CommandFailed
from connector.errors import InvalidSetting
from connector.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    match chosen.command:
        case "version":
            print(f"zapbase {__version__}")
            return 0
        case "spool":
            return _told(lambda: (spool_commands.run(chosen, os.environ), True))
        case "keys":
            return _keys(chosen)
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
    _add_keys(commands)
    commands.add_parser("version", help="print the version")
    return parser


def _add_keys(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    keys = commands.add_parser("keys", help="see which keys are needed; exchange them")
    actions = keys.add_subparsers(dest="action", required=True, metavar="action")
    listing = actions.add_parser("list", help="which keys are needed, and for what")
    listing.add_argument("--json", action="store_true", help="for programs")
    actions.add_parser(
        "rotate", help="seal everything with the first key of WA_STATE_KEY"
    )


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


def _keys(chosen: argparse.Namespace) -> int:
    # Imported late: `zapbase version` needs no Supabase.
    from connector import key_commands  # noqa: PLC0415 - see above

    return _told(lambda: key_commands.run(chosen, os.environ))


def _told(command: Callable[[], tuple[str, bool]]) -> int:
    """Print what a command says; its exit code."""
    try:
        said, well = command()
    except CommandFailed as failure:
        print(failure, file=sys.stderr)
        return failure.code
    except InvalidSetting as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    print(said)
    return 0 if well else FAILED
