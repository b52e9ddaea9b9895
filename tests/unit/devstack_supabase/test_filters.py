"""The grammar of filters, as rules and tables of cases."""

from __future__ import annotations

import pytest

from devstack.supabase.gateway.refusals import Refusal
from devstack.supabase.gateway.rest.filters import (
    Comparison,
    Condition,
    Distinction,
    Group,
    Membership,
    State,
    Test,
    TextSearch,
    parse_condition,
    parse_group,
)
from devstack.supabase.gateway.rest.grammar import Field

A = Field("a")


FILTERS: list[tuple[str, Test]] = [
    ("eq.5", Comparison("=", "5")),
    ("eq.", Comparison("=", "")),
    ("eq.a,b.c(d)", Comparison("=", "a,b.c(d)")),
    ("neq.x", Comparison("<>", "x")),
    ("gte.2024-01-01T00:00:00Z", Comparison(">=", "2024-01-01T00:00:00Z")),
    ("like.*tea*", Comparison("like", "%tea%")),
    ("match.^a*$", Comparison("~", "^a*$")),
    ("like(any).{a*,b*}", Comparison("like", "{a%,b%}", "any")),
    ("eq(all).{1,2}", Comparison("=", "{1,2}", "all")),
    ("cs.{a,b}", Comparison("@>", "{a,b}")),
    ("sl.(1,5)", Comparison("<<", "(1,5)")),
    ("in.(1,2)", Membership(("1", "2"))),
    ("in.()", Membership(())),
    ("in.(,a)", Membership(("", "a"))),
    ('in.("a,b","c\\"d")', Membership(("a,b", 'c"d'))),
    ('in.("a"b,c)', Membership(('"a"b', "c"))),
    ("is.null", State("null")),
    ("is.NOT_NULL", State("not null")),
    ("is.unknown", State("unknown")),
    ("isdistinct.5", Distinction("5")),
    ("fts.tea", TextSearch("to_tsquery", None, "tea")),
    ("wfts(german).tee", TextSearch("websearch_to_tsquery", "german", "tee")),
]


def test_a_filter_is_an_operator_and_its_value() -> None:
    for text, meant in FILTERS:
        assert parse_condition(A, text) == Condition(A, negated=False, test=meant), text


def test_not_negates_the_operator_behind_it() -> None:
    assert parse_condition(A, "not.is.null") == Condition(
        A, negated=True, test=State("null")
    )


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "",
        "equals.5",
        "is.five",
        "is.nullish",
        "in.1,2",
        "in.(1,2",
        "in.(1)2",
        "neq(any).{1}",
        "cs(all).{1}",
        "in(any).(1)",
        "not.not.eq.1",
        "eq(some).1",
    ],
)
def test_what_is_no_filter_is_refused_and_never_guessed(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_condition(A, text)
    assert refused.value.status == 400
    assert refused.value.body["code"] == "PGRST100"


def test_a_refusal_says_what_was_found_where() -> None:
    with pytest.raises(Refusal) as refused:
        parse_condition(A, "equals.5")
    assert refused.value.body == {
        "code": "PGRST100",
        "message": '"failed to parse filter (equals.5)" (line 1, column 1)',
        "details": 'unexpected "e" expecting operator (eq, gt, ...)',
        "hint": None,
    }


def test_logic_trees_nest() -> None:
    tree = parse_group(
        "or", "(a.eq.1,not.and(b.gt.2, c.not.is.null),d.in.(1,2))", negated=False
    )
    assert tree == Group(
        "or",
        negated=False,
        members=(
            Condition(A, negated=False, test=Comparison("=", "1")),
            Group(
                "and",
                negated=True,
                members=(
                    Condition(Field("b"), negated=False, test=Comparison(">", "2")),
                    Condition(Field("c"), negated=True, test=State("null")),
                ),
            ),
            Condition(Field("d"), negated=False, test=Membership(("1", "2"))),
        ),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(a.eq.plain text)", "plain text"),
        ('(a.eq."x,y)z")', "x,y)z"),
        ('(a.eq."say \\"hi\\"")', 'say "hi"'),
        ("(a.eq.{x,y})", "{x,y}"),
        ("(a.eq.)", ""),
    ],
)
def test_values_in_a_logic_tree_end_at_a_comma_unless_quoted(
    text: str, value: str
) -> None:
    (condition,) = parse_group("or", text, negated=False).members
    assert condition == Condition(A, negated=False, test=Comparison("=", value))


@pytest.mark.parametrize("text", ["a.eq.1", "(a.eq.1", "(a.eq.1)x", "()", "(a)"])
def test_a_broken_logic_tree_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_group("or", text, negated=False)
    assert refused.value.body["code"] == "PGRST100"
