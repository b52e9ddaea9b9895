"""What the commands of `zapbase` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

FAILED: Final = 1
WRONG_USE: Final = 2


class CommandFailed(Exception):
    """What a command could not do, in a sentence, and its exit code."""

    def __init__(self, sentence: str, code: int = FAILED) -> None:
        super().__init__(sentence)
        self.code = code


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
