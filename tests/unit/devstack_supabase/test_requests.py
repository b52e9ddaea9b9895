"""Headers, bodies and arguments: what is read of a request before any SQL."""

from __future__ import annotations

import pytest

from devstack.supabase.gateway.refusals import Refusal
from devstack.supabase.gateway.rest.body import (
    NO_ARGUMENTS,
    Layout,
    read_arguments,
    read_body,
)
from devstack.supabase.gateway.rest.functions import choose
from devstack.supabase.gateway.rest.media import ARRAY, OBJECT, Media, negotiate
from devstack.supabase.gateway.rest.preferences import Preferences, parse_preferences
from devstack.supabase.gateway.rest.schema_cache import (
    Function,
    Parameter,
    SchemaCache,
)


def code_of(refused: pytest.ExceptionInfo[Refusal]) -> str:
    return str(refused.value.body["code"])


def test_preferences_are_confirmed_as_they_apply() -> None:
    assert parse_preferences(
        "return=representation, resolution=merge-duplicates,count=exact,tx=commit"
    ) == Preferences(
        returning="representation",
        count=True,
        resolution="merge-duplicates",
        applied=(
            "return=representation",
            "resolution=merge-duplicates",
            "count=exact",
        ),
    )


def test_the_first_of_two_contradicting_preferences_counts() -> None:
    preferences = parse_preferences("return=minimal,return=representation")
    assert preferences.returning == "minimal"


def test_a_limit_of_rows_needs_strict_handling() -> None:
    assert parse_preferences("max-affected=3").max_affected is None
    assert parse_preferences("handling=strict,max-affected=3").max_affected == 3


def test_strict_handling_refuses_what_it_does_not_know() -> None:
    with pytest.raises(Refusal) as refused:
        parse_preferences("handling=strict,colour=red")
    assert code_of(refused) == "PGRST122"


def test_a_timezone_is_refused_rather_than_ignored() -> None:
    with pytest.raises(Refusal) as refused:
        parse_preferences("timezone=America/Recife")
    assert code_of(refused) == "PGRST127"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, Media()),
        ("*/*", Media()),
        ("application/json", Media()),
        ("text/html, application/json;q=0.9", Media()),
        ("application/vnd.pgrst.object+json", Media(OBJECT, single=True)),
        (
            "application/vnd.pgrst.object+json;nulls=stripped",
            Media(OBJECT, single=True, stripped=True),
        ),
        (
            "application/vnd.pgrst.array+json;nulls=stripped",
            Media(ARRAY, stripped=True),
        ),
    ],
)
def test_the_first_served_media_type_is_taken(accept: str, media: Media) -> None:
    assert negotiate(accept) == media


@pytest.mark.parametrize("accept", ["text/csv", "application/geo+json"])
def test_other_media_types_are_refused(accept: str) -> None:
    with pytest.raises(Refusal) as refused:
        negotiate(accept)
    assert (refused.value.status, code_of(refused)) == (406, "PGRST107")


def test_a_body_reaches_postgres_as_it_came() -> None:
    raw = b'{"id": 9007199254740993, "price": 1.10, "id2": 1e400}'
    body = read_body(raw)
    assert body.text == raw.decode()
    assert body.layout == Layout(("id", "price", "id2"))


def test_named_columns_spare_the_look_into_the_body() -> None:
    body = read_body(b' [{"a":1},{"b":2}]', ("a", "b"))
    assert body.layout == Layout(("a", "b"), many=True)


def test_an_empty_body_is_a_call_without_arguments() -> None:
    assert read_arguments(b"") == NO_ARGUMENTS


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff", b'[{"a":1},{"b":1}]', b"[1]", b"[" * 100_000]
)
def test_a_body_that_is_not_rows_is_refused(raw: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_body(raw)
    assert code_of(refused) == "PGRST102"


def function(*parameters: Parameter) -> Function:
    return Function(
        ("public", "ring"),
        parameters,
        returns="scalar",
        is_set=False,
        is_volatile=True,
        table=None,
    )


def parameter(name: str, type_: str = "text", *, required: bool = True) -> Parameter:
    return Parameter(name, type_, required, variadic=False)


def cache(*functions: Function) -> SchemaCache:
    return SchemaCache({}, (), {("public", "ring"): functions})


BY_ID = function(parameter("id"), parameter("loud", required=False))
BY_NAME = function(parameter("name"))
WHOLE = function(parameter("", "json"))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["id"], BY_ID),
        (["loud", "id"], BY_ID),
        (["name"], BY_NAME),
        (["anything", "else"], WHOLE),
    ],
)
def test_the_overload_is_chosen_by_the_arguments_names(
    given: list[str], meant: Function
) -> None:
    functions = cache(BY_ID, BY_NAME, WHOLE)
    assert choose(functions, ("public", "ring"), given, posted=True) is meant


def test_a_function_that_is_not_there_is_named_with_its_arguments() -> None:
    with pytest.raises(Refusal) as refused:
        choose(cache(BY_ID), ("public", "ring"), ["ID", "b"], posted=True)
    assert refused.value.status == 404
    assert refused.value.body["code"] == "PGRST202"
    assert refused.value.body["message"] == (
        "Could not find the function public.ring(ID, b) in the schema cache"
    )


def test_a_near_miss_of_the_name_is_suggested() -> None:
    with pytest.raises(Refusal) as refused:
        choose(cache(BY_ID), ("public", "rings"), [], posted=False)
    assert refused.value.body["hint"] == (
        "Perhaps you meant to call the function public.ring"
    )


def test_overloads_that_differ_in_types_alone_are_ambiguous() -> None:
    by_number = function(parameter("id", "bigint"))
    with pytest.raises(Refusal) as refused:
        choose(cache(BY_ID, by_number), ("public", "ring"), ["id"], posted=True)
    assert (refused.value.status, code_of(refused)) == (300, "PGRST203")
