"""Filters, orders and columns as SQL text.

Names are quoted. Values become literals without a type, so that Postgres reads them
as the type of the column beside them, as it does for PostgREST's parameters.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import assert_never

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.rest.filters import (
    Comparison,
    Condition,
    Distinction,
    Filter,
    Membership,
    State,
    TextSearch,
)
from devstack.supabase.gateway.rest.grammar import Field, Step
from devstack.supabase.gateway.rest.query import OrderTerm
from devstack.supabase.gateway.rest.schema_cache import ColumnType, Name
from devstack.supabase.gateway.rest.select import Column


def identifier(name: str) -> str:
    return '"' + _text(name).replace('"', '""') + '"'


def qualified(name: Name) -> str:
    return f"{identifier(name[0])}.{identifier(name[1])}"


def literal(value: str) -> str:
    """An untyped literal that reads the same whatever standard_conforming_strings is."""
    quoted = "'" + _text(value).replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in quoted else quoted


def array_literal(values: Iterable[str]) -> str:
    """An untyped literal of a Postgres array."""
    elements = (
        '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values
    )
    return literal("{" + ",".join(elements) + "}")


def _text(value: str) -> str:
    if "\x00" in value:
        raise refusals.postgrest(
            "22021", 'invalid byte sequence for encoding "UTF8": 0x00'
        )
    return value


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """Where names are looked up: a quoted row `alias` and its columns when known.

    `embedded` answers a filter on an embed's own name, or None when it is no embed.
    """

    alias: str
    columns: dict[str, ColumnType]
    embedded: Callable[[Condition], str | None] = lambda _: None

    def field(self, field: Field) -> str:
        column = f"{self.alias}.{identifier(field.name)}"
        if not field.path:
            return column
        known = self.columns.get(field.name)
        root = column if known and known.is_json else f"to_jsonb({column})"
        return root + "".join(map(_step, field.path))

    def filters(self, filters: Iterable[Filter]) -> list[str]:
        return [self.filter(one) for one in filters]

    def filter(self, one: Filter) -> str:
        if isinstance(one, Condition):
            return self._condition(one)
        inside = f" {one.operator} ".join(self.filters(one.members))
        return f"{'not ' if one.negated else ''}({inside})"

    def _condition(self, condition: Condition) -> str:
        if (embedded := self.embedded(condition)) is not None:
            return embedded
        test = condition.test
        side = self.field(condition.field)
        if isinstance(test, TextSearch):
            side = self._searched(condition.field, side, test.language)
        sql = f"{side} {_test(test)}"
        return f"not ({sql})" if condition.negated else sql

    def _searched(self, field: Field, side: str, language: str | None) -> str:
        known = self.columns.get(field.name)
        if known and known.type == "tsvector" and not field.path:
            return side
        return f"to_tsvector({_language(language)}{side})"

    def order(self, term: OrderTerm, alias: str | None = None) -> str:
        side = Scope(alias, {}).field(term.field) if alias else self.field(term.field)
        nulls = f" nulls {term.nulls}" if term.nulls else ""
        return f"{side}{' desc' if term.descending else ''}{nulls}"

    def column(self, column: Column) -> str:
        """A selected column with the name PostgREST gives it."""
        if column.field.name == "*":
            return f"{self.alias}.*"
        sql = self.field(column.field)
        if column.cast:
            sql = f"cast({sql} as {column.cast})"
        name = column.alias or _last_key(column.field)
        return sql if name is None else f"{sql} as {identifier(name)}"


def _step(step: Step) -> str:
    key = literal(step.key)
    return f"{step.arrow}{key}::int" if step.is_index else f"{step.arrow}{key}"


def _last_key(field: Field) -> str | None:
    """`data->a->>b` is called b; past trailing indexes, as PostgREST names it."""
    keys = [step.key for step in field.path if not step.is_index]
    if not field.path:
        return field.name
    return keys[-1] if keys else field.name


def _test(test: Comparison | Membership | State | Distinction | TextSearch) -> str:
    match test:
        case Comparison(operator, value, ""):
            return f"{operator} {literal(value)}"
        case Comparison(operator, value, quantifier):
            return f"{operator} {quantifier}({literal(value)})"
        case Membership(values):
            return f"= any ({array_literal(values)})"
        case State(keyword):
            return f"is {keyword}"
        case Distinction(value):
            return f"is distinct from {literal(value)}"
        case TextSearch(function, language, value):
            return f"@@ {function}({_language(language)}{literal(value)})"
        case _:
            assert_never(test)


def _language(language: str | None) -> str:
    return f"{literal(language)}, " if language else ""
