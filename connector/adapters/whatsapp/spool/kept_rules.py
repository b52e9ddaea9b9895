"""What a session wants to know of, kept beside its spool.

Whoever drains what a session left behind has no row of it at hand: without this, what
the session chose to keep, status updates say, would be dropped unread.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.whole_file import write_whole

FILE_NAME: Final = "rules.json"
_WISHES: Final = {
    "history_days": int,
    "ignore_status": bool,
    "ignore_newsletters": bool,
    "ignore_calls": bool,
}


class KeptRules:
    """Never raises: without the file the usual rules hold."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._written: str | None = None

    def keep(self, rules: ReadingRules) -> None:
        """Write them down, unless they are."""
        text = json.dumps({name: getattr(rules, name) for name in _WISHES})
        if text != self._written:
            # No folder yet, or no room: tried again with the next look.
            with contextlib.suppress(OSError):
                write_whole(self._path, text)
                self._written = text

    def over(self, rules: ReadingRules) -> ReadingRules:
        """The same rules, with what was written down of them."""
        with contextlib.suppress(OSError, ValueError):
            told = json.loads(self._path.read_text("ascii"))
            if isinstance(told, dict):
                return replace(rules, **_usable(told))
        return rules


def _usable(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name, kind in _WISHES.items() if _is(told, name, kind)}


def _is(told: dict[str, Any], name: str, kind: type) -> bool:
    return type(told.get(name)) is kind
