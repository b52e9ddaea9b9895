"""No name and no value can leave its quotes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.supabase.gateway.refusals import Refusal
from devstack.supabase.gateway.rest.filters import parse_condition
from devstack.supabase.gateway.rest.grammar import Field
from devstack.supabase.gateway.rest.query import OrderTerm, parse_query
from devstack.supabase.gateway.rest.schema_cache import ColumnType
from devstack.supabase.gateway.rest.select import Column, parse_select
from devstack.supabase.gateway.rest.sql import (
    Scope,
    array_literal,
    identifier,
    literal,
)

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
# What Postgres's lexer takes for one quoted token, whatever its settings.
WHOLE_IDENTIFIER = re.compile(r'"(?:[^"]|"")*"', re.DOTALL)
WHOLE_LITERAL = re.compile(r"E'(?:[^'\\]|''|\\\\)*'|'(?:[^'\\]|'')*'", re.DOTALL)

SCOPE = Scope(
    '"t"',
    {
        "a": ColumnType("text", None),
        "js": ColumnType("jsonb", None),
        "doc": ColumnType("tsvector", None),
    },
)


@given(TEXT)
def test_any_name_is_one_identifier(name: str) -> None:
    quoted = identifier(name)
    assert WHOLE_IDENTIFIER.fullmatch(quoted)
    assert quoted[1:-1].replace('""', '"') == name


@given(TEXT)
def test_any_value_is_one_literal(value: str) -> None:
    quoted = literal(value)
    assert WHOLE_LITERAL.fullmatch(quoted)
    inside = quoted.removeprefix("E")[1:-1].replace("''", "'")
    assert (inside.replace("\\\\", "\\") if quoted[0] == "E" else inside) == value


@given(st.lists(TEXT))
def test_any_list_is_one_literal(values: list[str]) -> None:
    assert WHOLE_LITERAL.fullmatch(array_literal(values))


@pytest.mark.parametrize("quote", [identifier, literal])
def test_a_nul_is_refused_before_postgres_sees_it(quote: object) -> None:
    assert callable(quote)
    with pytest.raises(Refusal) as refused:
        quote("a\x00b")
    assert refused.value.body["code"] == "22021"


@given(TEXT)
def test_a_cast_can_only_be_words(cast: str) -> None:
    """It is the one piece of a query that is not quoted."""
    try:
        items = parse_select(f"id::{cast}")
    except Refusal:
        return
    for item in items:
        assert isinstance(item, Column)
        assert item.cast is None or re.fullmatch(r"[\w ]+", item.cast)


@given(TEXT, TEXT)
def test_a_hostile_filter_stays_inside_quotes(name: str, value: str) -> None:
    sql = SCOPE.filter(parse_condition(Field(name), f"eq.{value}"))
    assert sql == f'"t".{identifier(name)} = {literal(value)}'


FILTERS = [
    ("a=eq.it's", "\"t\".\"a\" = 'it''s'"),
    (r"a=eq.\d", r""""t"."a" = E'\\d'"""),
    ("a=not.in.(1,2)", """not ("t"."a" = any ('{"1","2"}'))"""),
    ("a=in.()", """"t"."a" = any ('{}')"""),
    ("a=like(any).{a*}", """"t"."a" like any('{a%}')"""),
    ("a=is.null", '"t"."a" is null'),
    ("js->k->>0=eq.1", """"t"."js"->'k'->>'0'::int = '1'"""),
    ("a->k=is.null", """to_jsonb("t"."a")->'k' is null"""),
    (
        "a=fts(english).x",
        """to_tsvector('english', "t"."a") @@ to_tsquery('english', 'x')""",
    ),
    ("doc=fts.x", """"t"."doc" @@ to_tsquery('x')"""),
    ("not.or=(a.eq.1,a.eq.2)", """not ("t"."a" = '1' or "t"."a" = '2')"""),
]


def test_filters_as_sql() -> None:
    for query, sql in FILTERS:
        (only,) = parse_query(query).levels[()].filters
        assert SCOPE.filter(only) == sql, query


@pytest.mark.parametrize(
    ("select", "sql"),
    [
        ("*", '"t".*'),
        ("a", '"t"."a" as "a"'),
        ("b:a::text", 'cast("t"."a" as text) as "b"'),
        ("js->x->>y", """"t"."js"->'x'->>'y' as "y\""""),
        ("js->x->0", """"t"."js"->'x'->'0'::int as "x\""""),
    ],
)
def test_columns_as_sql(select: str, sql: str) -> None:
    (only,) = parse_select(select)
    assert isinstance(only, Column)
    assert SCOPE.column(only) == sql


def test_orders_as_sql() -> None:
    term = OrderTerm(Field("a"), descending=True, nulls="last")
    assert SCOPE.order(term) == '"t"."a" desc nulls last'
