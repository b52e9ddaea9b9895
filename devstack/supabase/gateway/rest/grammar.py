"""The words that PostgREST's query language is made of: names, JSON paths, values.

A `Scanner` walks one query parameter and refuses with PGRST100 what it cannot read.
"""

from __future__ import annotations

import dataclasses
import re

from devstack.supabase.gateway import refusals

QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
# A dash is part of a name unless it begins an arrow.
NAME = re.compile(r"[\w $]+(?:-(?!>)[\w $]+)*")
JSON_INDEX = re.compile(r"-?[0-9]+(?=->|::|[.,]|$)")
JSON_KEY = re.compile(r"[^(\-:.,>)]+(?:-(?!>)[^(\-:.,>)]+)*")
# Becomes the type of a cast as it stands, since quoting would turn `bigint` into an
# unknown type: nothing that could end a cast, begin a quote or a comment may pass.
IDENTIFIER = re.compile(r"[\w ]+")
BLANKS = re.compile(r"[ \t]*")


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One `->key` or `->>key` of a JSON path; `is_index` counts array elements."""

    arrow: str
    key: str
    is_index: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """A column, or a place inside a JSON, composite or array column."""

    name: str
    path: tuple[Step, ...] = ()


class Scanner:
    """A position in `text`; `what` names the parameter in a refusal."""

    def __init__(self, text: str, what: str) -> None:
        self.text = text
        self.what = what
        self.position = 0

    @property
    def at_end(self) -> bool:
        return self.position >= len(self.text)

    def looks_at(self, token: str) -> bool:
        return self.text.startswith(token, self.position)

    def take(self, token: str) -> bool:
        """Step over `token` if it is next."""
        if found := self.looks_at(token):
            self.position += len(token)
        return found

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise self.refusal(f'"{token}"')

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Step over `pattern` if it is next."""
        if found := pattern.match(self.text, self.position):
            self.position = found.end()
        return found

    def skip_blanks(self) -> None:
        self.match(BLANKS)

    def end(self) -> None:
        if not self.at_end:
            raise self.refusal("end of input")

    def refusal(self, expected: str) -> refusals.Refusal:
        found = f'"{self.text[self.position]}"' if not self.at_end else "end of input"
        return refusals.postgrest(
            "PGRST100",
            f'"failed to parse {self.what} ({self.text})" '
            f"(line 1, column {self.position + 1})",
            f"unexpected {found} expecting {expected}",
        )

    def quoted(self) -> str | None:
        """A `"quoted \\"value\\""`, unescaped; None if none is next."""
        found = self.match(QUOTED)
        return unescape(found[1]) if found else None

    def name(self) -> str:
        if (quoted := self.quoted()) is not None:
            return quoted
        found = self.match(NAME)
        if not found or not found[0].strip():
            raise self.refusal("field name (* or [a..z0..9_$])")
        return found[0].strip()

    def identifier(self) -> str:
        found = self.match(IDENTIFIER)
        if not found or not found[0].strip():
            raise self.refusal("letter, digit or _")
        return found[0].strip()

    def field(self) -> Field:
        name = self.name()
        steps = []
        while (arrow := self._arrow()) is not None:
            steps.append(self._step(arrow))
        return Field(name, tuple(steps))

    def _arrow(self) -> str | None:
        return next((arrow for arrow in ("->>", "->") if self.take(arrow)), None)

    def _step(self, arrow: str) -> Step:
        if index := self.match(JSON_INDEX):
            return Step(arrow, index[0], is_index=True)
        if (quoted := self.quoted()) is not None:
            return Step(arrow, quoted, is_index=False)
        if key := self.match(JSON_KEY):
            return Step(arrow, key[0].strip(), is_index=False)
        raise self.refusal("any non reserved character different from: .,>()")


def unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
