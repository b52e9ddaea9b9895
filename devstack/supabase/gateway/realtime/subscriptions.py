"""What a client asks of `postgres_changes`: parsing, and filters as SQL conditions.

Grammar and sentences follow supabase/realtime `subscriptions.ex`; conditions follow
its `realtime.check_equality_op`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from devstack.supabase.gateway.database import quote_literal

COMPARISONS: Final = {
    "eq": "=",
    "neq": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "like": "like",
    "ilike": "ilike",
    "match": "~",
    "imatch": "~*",
    "isdistinct": "is distinct from",
}
KEYWORDS: Final = ("null", "true", "false", "unknown")
EVENTS: Final = ("INSERT", "UPDATE", "DELETE")
MOST_VALUES = 100  # of one `in` filter


class InvalidSubscription(Exception):
    """The request can never be served; the message is what the client is told."""


@dataclass(frozen=True, slots=True)
class Filter:
    column: str
    operator: str
    value: str
    negated: bool = False

    def condition(self, expression: str, sql_type: str) -> str:
        """SQL that is true where the filter lets `expression` (text) pass."""
        value = quote_literal(self.value)
        typed = f"{expression}::{sql_type}"
        if self.operator == "in":
            test = f"{typed} = any({value}::{sql_type}[])"
        elif self.operator == "is":
            test = f"{typed} is {self.value}"
        else:
            test = f"{typed} {COMPARISONS[self.operator]} {value}::{sql_type}"
        return f"coalesce({'not ' if self.negated else ''}({test}), false)"


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """One entry of a join's `postgres_changes`; `*` stands for any."""

    event: str
    schema: str
    table: str
    filters: tuple[Filter, ...] = ()
    columns: frozenset[str] | None = None  # asked for; the primary key always comes

    def wants(self, kind: str, schema: str, table: str) -> bool:
        return self.event in ("*", kind) and self.concerns(schema, table)

    def concerns(self, schema: str, table: str) -> bool:
        return self.schema in ("*", schema) and self.table in ("*", table)

    def __str__(self) -> str:
        filters = [(f.column, f.operator, f.value) for f in self.filters]
        return (
            f"[event: {self.event}, schema: {self.schema}, table: {self.table}, "
            f"filters: {filters}]"
        )


def parse_request(params: Mapping[str, Any]) -> ChangeRequest:
    """Raises InvalidSubscription."""
    schema, table = params.get("schema"), params.get("table")
    if not isinstance(schema, str) and not isinstance(table, str):
        raise InvalidSubscription(
            "No subscription params provided. Please provide at least a `schema` or "
            "`table` to subscribe to"
        )
    event = str(params.get("event", "*")).upper()
    return ChangeRequest(
        event if event in EVENTS else "*",
        schema if isinstance(schema, str) else "public",
        table if isinstance(table, str) else "*",
        parse_filters(str(params.get("filter") or "")),
        _columns(params.get("select")),
    )


def parse_filters(text: str) -> tuple[Filter, ...]:
    """`a=eq.1,b=not.in.(x,y)`: conditions joined by AND. Raises InvalidSubscription."""
    if not text.strip():
        return ()
    return tuple(_filter(part.strip()) for part in _split(text))


def _columns(select: object) -> frozenset[str] | None:
    if isinstance(select, list):
        return frozenset(name for name in select if isinstance(name, str)) or None
    return None


def _filter(text: str) -> Filter:
    if not text:
        raise _unreadable(
            "filter must not contain empty segments (check for extra commas)"
        )
    column, _, rest = text.partition("=")
    negated = rest.startswith("not.")
    operator, dot, value = rest.removeprefix("not.").partition(".")
    if not dot or operator not in (*COMPARISONS, "in", "is"):
        raise _unreadable(str([operator, value]) if dot else str([text]))
    if operator == "in":
        if not (value.startswith("(") and value.endswith(")")):
            raise _unreadable("`in` filter value must be wrapped by parentheses")
        value = f"{{{value[1:-1]}}}"
    elif operator == "is" and value not in KEYWORDS:
        raise _unreadable(
            "invalid value for is filter: must be null, true, false, or unknown"
        )
    elif operator != "is":
        value = _unquoted(value)
    return Filter(column, operator, value, negated)


def _unreadable(why: str) -> InvalidSubscription:
    return InvalidSubscription(f"Error parsing `filter` params: {why}")


def _split(text: str) -> list[str]:
    """Cut at commas outside parentheses and quotes."""
    parts, depth, quoted, escaped = [""], 0, False, False
    for character in text:
        if character == "," and not depth and not quoted:
            parts.append("")
            continue
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = character == "\\", character != '"'
        elif character == '"' and parts[-1][-1:] in (".", "(", ","):
            quoted = True
        elif character in "()":
            depth = max(0, depth + (1 if character == "(" else -1))
        parts[-1] += character
    return parts


def _unquoted(value: str) -> str:
    if len(value) < 2 or not (value.startswith('"') and value.endswith('"')):  # noqa: PLR2004 - two quotes
        return value
    text, escaped = "", False
    for character in value[1:-1]:
        if character == "\\" and not escaped:
            escaped = True
            continue
        text, escaped = text + character, False
    return text
