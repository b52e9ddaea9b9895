"""The `zapbase` command.

Exit codes: 0 when it is done, or after a planned stop; 1 after a failure; 2 for a wrong
command or setting.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from connector import __version__, environment, spool_commands
from connector.commands import (
    FAILED,
    WRONG_USE,
    CommandFailed,
    become_connector,
    data_folder,
)
from connector.errors import InvalidSetting
from connector.settings import Settings

_ON_THE_DATA_FOLDER: Final = ("spool", "keys", "doctor")


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    if chosen.command in _ON_THE_DATA_FOLDER:
        try:
            become_connector(data_folder(os.environ))
        except CommandFailed as failure:
            print(failure, file=sys.stderr)
            return failure.code
    match chosen.command:
        case "version":
            print(f"zapbase {__version__}")
            return 0
        case "spool":
            return _told(lambda: (spool_commands.run(chosen, os.environ), True))
        case "keys":
            return _keys(chosen)
        case "session":
            return _session(chosen)
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
    _add_session(commands)
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


def _add_session(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    session = commands.add_parser("session", help="a number's keys in a sealed file")
    actions = session.add_subparsers(dest="action", required=True, metavar="action")
    exporting = actions.add_parser("export", help="write them; the session must rest")
    exporting.add_argument("session", metavar="ID", help="of the session")
    exporting.add_argument("--to", metavar="FILE", required=True, help="a new file")
    exporting.add_argument(
        "--move", action="store_true", help="and forget them in this project"
    )
    key = exporting.add_mutually_exclusive_group()
    key.add_argument(
        "--key-file", metavar="FILE", help="holds the key, not WA_STATE_KEY"
    )
    key.add_argument("--new-key", metavar="FILE", help="make a key for this file alone")
    importing = actions.add_parser("import", help="give them to a session that rests")
    importing.add_argument("file", metavar="FILE", help="that was exported")
    importing.add_argument(
        "--into", metavar="ID", help="of the session; else the one it is from"
    )
    importing.add_argument("--key-file", metavar="FILE", help="holds the file's key")
    importing.add_argument(
        "--replace", action="store_true", help="give up what is saved of it"
    )


def _run() -> int:
    try:
        settings = Settings.from_environment(os.environ)
        environment.ensure(os.environ)
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


def _session(chosen: argparse.Namespace) -> int:
    # Imported late, as above.
    from connector import export_commands  # noqa: PLC0415 - see above

    return _told(lambda: (export_commands.run(chosen, os.environ), True))


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
