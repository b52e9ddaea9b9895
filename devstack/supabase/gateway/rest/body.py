"""What must be known of a JSON body before Postgres reads it: its kind and its keys.

The text itself goes to Postgres as it came; no number in it passes through Python.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from devstack.supabase.gateway import refusals

BLANKS = b" \t\r\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """`keys` in the order of the first object; `many` when the text is an array."""

    keys: tuple[str, ...] = ()
    many: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Body:
    text: str
    layout: Layout


NO_ARGUMENTS = Body("{}", Layout())
NO_ROWS = Body("[]", Layout(many=True))


def read_body(raw: bytes, columns: tuple[str, ...] | None = None) -> Body:
    """A body of one object or of objects with the same keys; raises PGRST102.

    With `columns`, those are the keys and the rest of the body is not looked at.
    """
    if columns is not None:
        many = raw.lstrip(BLANKS).startswith(b"[")
        return Body(_decoded(raw), Layout(columns, many))
    value = _parsed(raw)
    if isinstance(value, dict):
        return Body(_decoded(raw), Layout(tuple(value)))
    if not isinstance(value, list) or not value:
        return NO_ROWS
    first = value[0]
    if not isinstance(first, dict) or not all(
        isinstance(row, dict) and row.keys() == first.keys() for row in value
    ):
        raise refusals.postgrest("PGRST102", "All object keys must match")
    return Body(_decoded(raw), Layout(tuple(first), many=True))


def read_arguments(raw: bytes) -> Body:
    """The named arguments of a function; an empty body is none."""
    return read_body(raw) if raw else NO_ARGUMENTS


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise refusals.postgrest("PGRST102", "Empty or invalid json") from error


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refusals.postgrest("PGRST102", "Empty or invalid json") from error
