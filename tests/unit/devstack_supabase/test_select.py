"""The grammar of `select`."""

from __future__ import annotations

import pytest

from devstack.supabase.gateway.refusals import Refusal
from devstack.supabase.gateway.rest.grammar import Field, Step
from devstack.supabase.gateway.rest.select import (
    EVERYTHING,
    Column,
    Embed,
    parse_select,
)

ID = Column(Field("id"))


SELECTS = [
    ("", EVERYTHING),
    ("*", EVERYTHING),
    ("id, name", (ID, Column(Field("name")))),
    ("key:id", (Column(Field("id"), alias="key"),)),
    ("id::text", (Column(Field("id"), cast="text"),)),
    ("x:id::double precision", (Column(Field("id"), "x", "double precision"),)),
    ('"odd, name"', (Column(Field("odd, name")),)),
    ("first-name", (Column(Field("first-name")),)),
    ("counted", (Column(Field("counted")),)),
    (
        "data->a-b->>0",
        (
            Column(
                Field(
                    "data",
                    (
                        Step("->", "a-b", is_index=False),
                        Step("->>", "0", is_index=True),
                    ),
                )
            ),
        ),
    ),
    (
        'data->"a.b"',
        (Column(Field("data", (Step("->", "a.b", is_index=False),))),),
    ),
    ("notes(id)", (Embed("notes", None, None, inner=False, items=(ID,)),)),
    (
        "n:notes!fk!inner(id)",
        (Embed("notes", "n", "fk", inner=True, items=(ID,)),),
    ),
    ("notes!left(id)", (Embed("notes", None, None, inner=False, items=(ID,)),)),
    ("notes()", (Embed("notes", None, None, inner=False, items=()),)),
    (
        "a(b(id),id)",
        (
            Embed(
                "a",
                None,
                None,
                inner=False,
                items=(Embed("b", None, None, inner=False, items=(ID,)), ID),
            ),
        ),
    ),
]


def test_select_is_a_tree_of_columns_and_embeds() -> None:
    for text, items in SELECTS:
        assert parse_select(text) == items, text


@pytest.mark.parametrize(
    "text", ["id,", "id,(", "notes(id", "id)", "id::", "id::in(t)", "a b!c", "x:*", "'"]
)
def test_a_broken_select_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_select(text)
    assert refused.value.body["code"] == "PGRST100"


@pytest.mark.parametrize("text", ["count()", "id.sum()", "notes(count())", "n:count()"])
def test_aggregates_are_off_as_on_a_hosted_project(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_select(text)
    assert refused.value.body["code"] == "PGRST123"


def test_spreads_are_refused_by_name() -> None:
    with pytest.raises(Refusal) as refused:
        parse_select("id,...notes(title)")
    assert refused.value.body["code"] == "PGRST127"
