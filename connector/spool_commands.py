"""`zapbase spool list`, `replay` and `discard`: what was set aside, and what becomes of it.

They work on WA_DATA_DIR alone, beside a running connector or without one, and show no
message's contents: nothing here has the key.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from connector import orphan_commands
from connector.adapters.whatsapp.spool.overview import (
    SESSIONS,
    SpoolOverview,
    discard,
    overview,
    replay,
    spools,
)
from connector.commands import WRONG_USE, CommandFailed, data_folder, table
from connector.data_folder import HOLDER_NAME
from connector.errors import SpoolUnavailable

_KILO: Final = 1000
_PERIODS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `spool list`, `spool replay` and `spool discard`."""
    spool = commands.add_parser("spool", help="see what waits, and what was set aside")
    actions = spool.add_subparsers(dest="action", required=True, metavar="action")
    listing = actions.add_parser("list", help="what waits and what was set aside")
    listing.add_argument("--session", metavar="ID", help="of this session only")
    listing.add_argument("--json", action="store_true", help="for programs")
    replaying = actions.add_parser("replay", help="try again what was set aside")
    replaying.add_argument("--session", metavar="ID", help="of this session only")
    replaying.add_argument("--id", metavar="N", type=_positive, help="this one only")
    discarding = actions.add_parser("discard", help="drop for good what was set aside")
    discarding.add_argument(
        "--session", metavar="ID", required=True, help="of this one"
    )
    discarding.add_argument("--id", metavar="N", type=_positive, help="this one only")
    discarding.add_argument("--yes", action="store_true", help="really do it")


def run(chosen: argparse.Namespace, environment: Mapping[str, str]) -> str:
    """Do what was chosen and return what to print. Raises CommandFailed."""
    data = data_folder(environment)
    _demand_data_folder(data)
    left = [
        one
        for one in orphan_commands.found(data)
        if chosen.session in (None, one.session_id)
    ]
    if chosen.session and left and chosen.action == "discard":
        return orphan_commands.discard(data, left[0], sure=chosen.yes)
    only_left = chosen.session and left and chosen.action == "list"
    files = {} if only_left else _files(data, chosen.session)
    if chosen.action == "replay":
        return _replay(files, chosen.id)
    if chosen.action == "discard":
        return _discard(files, chosen.id, sure=chosen.yes)
    found = [_look(session_id, path) for session_id, path in files.items()]
    if chosen.json:
        return _as_json(found, left)
    now = datetime.now(UTC)
    tables = [] if only_left else _as_tables(found, now)
    return "\n".join([*tables, *orphan_commands.as_table(left, _size, now, _age)])


def _demand_data_folder(data: Path) -> None:
    if not data.is_dir():
        raise CommandFailed(
            f"There is no folder {data}: set WA_DATA_DIR to the connector's data folder.",
            WRONG_USE,
        )
    if not (data / SESSIONS).is_dir() and not (data / HOLDER_NAME).exists():
        raise CommandFailed(
            f"{data} is no connector's data folder, or none has run there yet: check"
            " WA_DATA_DIR.",
            WRONG_USE,
        )


def _files(data: Path, session: str | None) -> dict[str, Path]:
    files = spools(data)
    if session is None:
        return files
    if session not in files:
        raise CommandFailed(f"No session {session} has a spool in {data}.", WRONG_USE)
    return {session: files[session]}


def _look(session_id: str, path: Path) -> SpoolOverview:
    try:
        return overview(session_id, path)
    except SpoolUnavailable as error:
        raise CommandFailed(
            f"The spool of session {session_id} cannot be read: {error}."
        ) from error


# --- replay --------------------------------------------------------------------------


def _replay(files: Mapping[str, Path], letter_id: int | None) -> str:
    sessions = sorted(_held(files, letter_id, "replay"))
    if letter_id is not None and len(sessions) > 1:
        raise CommandFailed(
            f"Several sessions have a dead letter {letter_id}: say which by --session.",
            WRONG_USE,
        )
    lines = [_replayed(one, files[one], letter_id or 0) for one in sessions]
    return "\n".join(
        [
            *lines,
            "A running connector looks within 5 seconds; one that starts, at once.",
        ]
    )


def _replayed(session_id: str, path: Path, letter_id: int) -> str:
    try:
        moved = replay(path, letter_id)
    except SpoolUnavailable as error:
        raise CommandFailed(
            f"Nothing of session {session_id} was replayed: {error}."
        ) from error
    are = "is" if moved == 1 else "are"
    return (
        f"Session {session_id}: {_counted(moved)} {are} back at the end of the queue."
    )


# --- discard -------------------------------------------------------------------------


def _discard(files: Mapping[str, Path], letter_id: int | None, *, sure: bool) -> str:
    [(session_id, count)] = _held(files, letter_id, "discard").items()
    if not sure:
        raise CommandFailed(
            f"This would drop {_counted(count)} of session {session_id} for good:"
            " add --yes to do it.",
            WRONG_USE,
        )
    try:
        dropped = discard(files[session_id], letter_id or 0)
    except SpoolUnavailable as error:
        raise CommandFailed(
            f"Nothing of session {session_id} was discarded: {error}."
        ) from error
    return f"Session {session_id}: {_counted(dropped)} dropped."


# --- both ----------------------------------------------------------------------------


def _held(
    files: Mapping[str, Path], letter_id: int | None, what: str
) -> Mapping[str, int]:
    """How many of the dead letters that are meant each session has, if any."""
    held = Counter(
        session_id
        for session_id, path in files.items()
        for letter in _look(session_id, path).dead_letters
        if letter_id in (None, letter.id)
    )
    if not held:
        meant = "no dead letter" if letter_id is None else f"no dead letter {letter_id}"
        raise CommandFailed(f"Nothing to {what}: there is {meant}.")
    return held


def _counted(count: int) -> str:
    return "1 dead letter" if count == 1 else f"{count} dead letters"


# --- list ----------------------------------------------------------------------------


def _as_json(
    found: Sequence[SpoolOverview], left: Sequence[orphan_commands.OrphanOverview]
) -> str:
    told = {
        "sessions": [dataclasses.asdict(one) for one in found],
        "deleted": [dataclasses.asdict(one) for one in left],
    }
    return json.dumps(told, default=datetime.isoformat, indent=2)


def _as_tables(found: Sequence[SpoolOverview], now: datetime) -> Iterator[str]:
    if not found:
        yield "No session has a spool here."
        return
    yield from table(
        ("SESSION", "LIVE", "HISTORY", "SIZE", "OLDEST", "DEAD LETTERS"),
        [
            (
                one.session_id,
                str(one.live),
                str(one.history),
                _size(one.bytes),
                "-" if one.oldest_at is None else _age(one.oldest_at, now),
                str(len(one.dead_letters)),
            )
            for one in found
        ],
    )
    for one in found:
        if one.dead_letters:
            yield ""
            yield f"Dead letters of {one.session_id}:"
            yield from table(
                ("ID", "EVENT", "AGE", "SIZE", "REASON"),
                [
                    (
                        str(letter.id),
                        letter.event,
                        _age(letter.received_at, now),
                        _size(letter.bytes),
                        letter.reason,
                    )
                    for letter in one.dead_letters
                ],
            )


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < _KILO:
            return f"{size:.3g} {unit}"
        size /= _KILO
    return f"{size:.3g} GB"


def _age(moment: datetime, now: datetime) -> str:
    seconds = max((now - moment).total_seconds(), 0)
    for length, name in _PERIODS:
        if seconds >= length:
            return f"{seconds // length:.0f} {name}"
    return "0 s"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number
