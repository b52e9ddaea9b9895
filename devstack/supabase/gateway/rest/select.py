"""The `select` parameter: columns, aliases, casts, JSON paths and embedded resources.

Aggregates are refused as a hosted project refuses them (PGRST123, off by default);
spreads (`...relation(…)`) are not served.
"""

from __future__ import annotations

import dataclasses
import re

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.rest.grammar import Field, Scanner

ALIAS_END = re.compile(r":(?!:)")
AGGREGATE = re.compile(r"\.(?:sum|avg|count|max|min)\(\)")
COUNT = re.compile(r"count\(\)")


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A selected field; the name `*` alone stands for all columns."""

    field: Field
    alias: str | None = None
    cast: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Embed:
    """Rows of a related table inside each row; `hint` chooses among relationships."""

    target: str
    alias: str | None
    hint: str | None
    inner: bool
    items: tuple[Item, ...]

    @property
    def label(self) -> str:
        """The key in the answer, and the prefix of its filters."""
        return self.alias or self.target


Item = Column | Embed
EVERYTHING: tuple[Item, ...] = (Column(Field("*")),)


def parse_select(text: str) -> tuple[Item, ...]:
    """Raises Refusal: PGRST100 for syntax, PGRST123 and PGRST127 for what is off."""
    scanner = Scanner(text, "select parameter")
    items = _items(scanner)
    scanner.end()
    return items or EVERYTHING


def _items(scanner: Scanner) -> tuple[Item, ...]:
    scanner.skip_blanks()
    if scanner.at_end or scanner.looks_at(")"):
        return ()
    items = [_item(scanner)]
    while scanner.take(","):
        items.append(_item(scanner))
    return tuple(items)


def _item(scanner: Scanner) -> Item:
    scanner.skip_blanks()
    if scanner.looks_at("..."):
        raise refusals.postgrest(
            "PGRST127",
            "Feature not implemented",
            "Spread embeds (...relation) are not served by the local gateway.",
        )
    if scanner.take("*"):
        item: Item = Column(Field("*"))
    else:
        alias = _alias(scanner)
        item = _embed(scanner, alias) or _column(scanner, alias)
    scanner.skip_blanks()
    if not (scanner.at_end or scanner.looks_at(",") or scanner.looks_at(")")):
        raise scanner.refusal('"," or ")"')
    return item


def _alias(scanner: Scanner) -> str | None:
    start = scanner.position
    name = scanner.name()
    if scanner.match(ALIAS_END):
        return name
    scanner.position = start
    return None


def _embed(scanner: Scanner, alias: str | None) -> Embed | None:
    start = scanner.position
    target = scanner.name()
    hint, inner = None, False
    while scanner.take("!"):
        match scanner.name():
            case "inner":
                inner = True
            case "left":
                inner = False
            case other:
                hint = other
    if target == "count" or not scanner.take("("):
        scanner.position = start
        return None
    items = _items(scanner)
    scanner.expect(")")
    return Embed(target, alias, hint, inner, items)


def _column(scanner: Scanner, alias: str | None) -> Column:
    if scanner.match(COUNT):
        raise _no_aggregates()
    field = scanner.field()
    cast = scanner.identifier() if scanner.take("::") else None
    if scanner.match(AGGREGATE):
        raise _no_aggregates()
    return Column(field, alias, cast)


def _no_aggregates() -> refusals.Refusal:
    return refusals.postgrest("PGRST123", "Use of aggregate functions is not allowed")
