"""How the demo prints: chapters, facts that were checked, a QR code, tables."""

from __future__ import annotations

import io
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import segno
from rich.console import Console
from rich.markup import escape
from rich.table import Table

# Free text is wrapped in a narrow terminal; everything else is shown whole.
_WRAPPED: Final = frozenset({"body", "last_message_preview"})


class Unexpected(Exception):
    """A step of the story did not end as told."""


class Narrator:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self.checked = 0

    def title(self, text: str) -> None:
        self._console.rule(f"[bold green]{text}")

    def says(self, text: str) -> None:
        self._console.print(text)

    @asynccontextmanager
    async def chapter(self, text: str) -> AsyncIterator[None]:
        """Print what is going on, then how long it took."""
        started = time.monotonic()
        self._console.print(f"\n[bold]{text}[/]")
        yield
        self._console.print(f"  [dim]{time.monotonic() - started:.1f} s[/]")

    def checks(self, claim: str, holds: object, seen: object = "") -> None:
        """State a claim that is true, or stop the story.

        Raises Unexpected.
        """
        if not holds:
            raise Unexpected(f"{claim} (seen: {seen!r})" if seen != "" else claim)
        self.checked += 1
        self._console.print(f"  [green]✓[/] {escape(claim)}")

    def qr(self, text: str) -> None:
        drawn = io.StringIO()
        segno.make_qr(text).terminal(out=drawn, compact=True, border=1)
        self._console.print(drawn.getvalue(), highlight=False, markup=False)

    def table(
        self, name: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]
    ) -> None:
        table = Table(title=f"public.{name}", title_justify="left", title_style="bold")
        for column in columns:
            table.add_column(column, no_wrap=column not in _WRAPPED)
        for row in rows:
            table.add_row(*(_cell(row[column]) for column in columns))
        self._console.print(table)

    def block(self, text: str) -> None:
        """Print something to be copied, exactly."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started


def _cell(value: object) -> str:
    match value:
        case None:
            return "[dim]-[/]"
        case str():
            return escape(value)
        case _:
            return escape(str(value))
