"""What the commands of `zapbase` have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from connector.data_folder import HOLDER_NAME
from connector.settings import DEFAULT_DATA_DIRECTORY

FAILED: Final = 1
WRONG_USE: Final = 2


class CommandFailed(Exception):
    """What a command could not do, in a sentence, and its exit code."""

    def __init__(self, sentence: str, code: int = FAILED) -> None:
        super().__init__(sentence)
        self.code = code


def data_folder(environment: Mapping[str, str]) -> Path:
    """Where the connector keeps what it keeps, whatever else is set."""
    return Path(environment.get("WA_DATA_DIR", "").strip() or DEFAULT_DATA_DIRECTORY)


def become_connector(folder: Path) -> None:
    """Where root asks, go on as whoever runs the connector on that folder.

    A file that root wrote anew would be closed to the connector, and `fly ssh console` is
    root. Nothing changes for anybody else, nor where no connector has run yet. Raises
    CommandFailed.
    """
    if os.geteuid() != 0:
        return
    try:
        owner = (folder / HOLDER_NAME).stat()
    except OSError:
        return  # whatever is wrong there, the command says
    if owner.st_uid == 0:
        return
    try:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
    except PermissionError as error:  # a container's root may have been left no rights
        raise CommandFailed(
            "root may not go on as the connector's user here: call this as that user"
            f" (its number is {owner.st_uid}).",
            WRONG_USE,
        ) from error


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table in plain text."""
    columns = zip(head, *rows, strict=True)
    widths = [max(len(cell) for cell in column) for column in columns]
    return [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in (head, *rows)
    ]
