"""Whole query strings, and what an order or a limit belongs to."""

from __future__ import annotations

import pytest

from devstack.supabase.gateway.refusals import Refusal
from devstack.supabase.gateway.rest.filters import Comparison, Condition, Group
from devstack.supabase.gateway.rest.grammar import Field, Step
from devstack.supabase.gateway.rest.query import (
    OrderTerm,
    parse_order,
    parse_query,
)


def test_each_parameter_belongs_to_the_level_its_prefix_names() -> None:
    query = parse_query(
        "select=id,notes(title,author(name))&id=eq.1&notes.title=like.a*"
        "&notes.author.order=name&notes.limit=3&notes.or=(id.eq.1)&offset=7"
    )
    assert query.levels[()].filters == [
        Condition(Field("id"), negated=False, test=Comparison("=", "1"))
    ]
    assert query.levels[()].offset == 7
    title, group = query.levels["notes",].filters
    assert isinstance(title, Condition)
    assert title.field == Field("title")
    assert isinstance(group, Group)
    assert query.levels["notes",].limit == 3
    assert query.levels["notes", "author"].order == (OrderTerm(Field("name")),)


def test_percent_plus_and_unicode_are_decoded_once() -> None:
    query = parse_query("na%C3%AFve=eq.a+b%2Bc%26d%253D")
    assert query.levels[()].filters == [
        Condition(Field("naïve"), negated=False, test=Comparison("=", "a b+c&d%3D"))
    ]


def test_a_json_path_may_be_filtered() -> None:
    (condition,) = parse_query("data->a->>b=eq.1").levels[()].filters
    assert isinstance(condition, Condition)
    assert condition.field.path == (
        Step("->", "a", is_index=False),
        Step("->>", "b", is_index=False),
    )


def test_the_same_column_may_be_filtered_twice() -> None:
    assert len(parse_query("id=gt.1&id=lt.9").levels[()].filters) == 2


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("id", (OrderTerm(Field("id")),)),
        ("id.asc", (OrderTerm(Field("id")),)),
        ("id.desc.nullslast", (OrderTerm(Field("id"), "", True, "last"),)),  # noqa: FBT003
        ("id.nullsfirst", (OrderTerm(Field("id"), nulls="first"),)),
        ("a.desc,b", (OrderTerm(Field("a"), descending=True), OrderTerm(Field("b")))),
        (
            "folder(name).desc",
            (OrderTerm(Field("name"), "folder", descending=True),),
        ),
        (
            "data->>a.desc",
            (
                OrderTerm(
                    Field("data", (Step("->>", "a", is_index=False),)), descending=True
                ),
            ),
        ),
    ],
)
def test_order_terms(text: str, terms: tuple[OrderTerm, ...]) -> None:
    assert parse_order(text) == terms


@pytest.mark.parametrize(
    "text", ["", "id.down", "id.desc.last", "id,", "f(id", "f(id)x"]
)
def test_a_broken_order_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_order(text)
    assert refused.value.body["code"] == "PGRST100"


def test_a_negative_limit_is_not_a_range() -> None:
    with pytest.raises(Refusal) as refused:
        parse_query("limit=-1")
    assert (refused.value.status, refused.value.body["code"]) == (416, "PGRST103")


def test_columns_may_be_quoted_and_count_once() -> None:
    query = parse_query('columns="a","b",a&on_conflict=id,name')
    assert query.columns == ("a", "b")
    assert query.on_conflict == ("id", "name")


def test_a_call_tells_arguments_from_filters_by_the_operator() -> None:
    query = parse_query("p_name=Ana&p_ids={1,2}&id=eq.4&limit=2", calls=True)
    assert query.arguments == [("p_name", "Ana"), ("p_ids", "{1,2}")]
    assert len(query.levels[()].filters) == 1
    assert query.levels[()].limit == 2


def test_outside_a_call_a_value_without_operator_is_refused() -> None:
    with pytest.raises(Refusal):
        parse_query("name=Ana")


@pytest.mark.parametrize(
    ("text", "is_shape"),
    [
        ("select=id&order=id", True),
        ("id=eq.1", False),
        ("limit=1", False),
        ("notes.offset=1", False),
    ],
)
def test_a_shape_holds_no_value_of_the_request(text: str, is_shape: bool) -> None:  # noqa: FBT001
    assert parse_query(text).is_shape is is_shape


def test_a_number_no_bigint_holds_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        parse_query("limit=" + "9" * 5000)
    assert refused.value.body["code"] == "PGRST100"
