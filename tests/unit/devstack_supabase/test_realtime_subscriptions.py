import pytest

from devstack.supabase.gateway.realtime.subscriptions import (
    ChangeRequest,
    Filter,
    InvalidSubscription,
    parse_filters,
    parse_request,
)


def test_a_request_without_a_table_is_for_all_of_its_schema() -> None:
    assert parse_request({"schema": "public"}) == ChangeRequest("*", "public", "*")


def test_a_request_without_a_schema_is_for_public() -> None:
    request = parse_request({"event": "insert", "table": "notes"})

    assert request == ChangeRequest("INSERT", "public", "notes")
    assert request.wants("INSERT", "public", "notes")
    assert not request.wants("DELETE", "public", "notes")
    assert request.concerns("public", "notes")
    assert not request.wants("INSERT", "other", "notes")


def test_a_request_for_nothing_is_refused() -> None:
    with pytest.raises(InvalidSubscription, match="No subscription params provided"):
        parse_request({"event": "*"})


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("", ()),
        ("  ", ()),
        ("a=eq.1", (Filter("a", "eq", "1"),)),
        ("a=eq.", (Filter("a", "eq", ""),)),
        ("a=eq.x.y=z", (Filter("a", "eq", "x.y=z"),)),
        ("a=not.like.x%", (Filter("a", "like", "x%", negated=True),)),
        ("a=in.(x,y)", (Filter("a", "in", "{x,y}"),)),
        ("a=is.null", (Filter("a", "is", "null"),)),
        ("a=gt.1,b=lt.2", (Filter("a", "gt", "1"), Filter("b", "lt", "2"))),
        ("a=in.(x,y),b=eq.2", (Filter("a", "in", "{x,y}"), Filter("b", "eq", "2"))),
        ('a=eq."x,y"', (Filter("a", "eq", "x,y"),)),
        (r'a=eq."x\"y"', (Filter("a", "eq", 'x"y'),)),
        ('a=in.("x)",y)', (Filter("a", "in", '{"x)",y}'),)),
    ],
)
def test_filters_are_read(text: str, filters: tuple[Filter, ...]) -> None:
    assert parse_filters(text) == filters


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("undefined", "undefined"),
        ("a=foo.1", "foo"),
        ("a=in.x", "wrapped by parentheses"),
        ("a=is.maybe", "null, true, false, or unknown"),
        ("a=eq.1,,b=eq.2", "empty segments"),
    ],
)
def test_an_unreadable_filter_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidSubscription, match=why):
        parse_filters(text)


def test_a_filter_value_cannot_leave_its_literal() -> None:
    condition = Filter("a", "eq", "x'; drop table notes; --").condition("k.c0", "text")

    assert condition == (
        "coalesce((k.c0::text = 'x''; drop table notes; --'::text), false)"
    )


def test_a_negated_filter_does_not_let_unknowns_pass() -> None:
    condition = Filter("a", "eq", "x", negated=True).condition("k.c0", "text")

    assert condition == "coalesce(not (k.c0::text = 'x'::text), false)"
