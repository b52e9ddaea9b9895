"""Status, headers and errors of an answer, from what the statement gave."""

from __future__ import annotations

import dataclasses
import json

import pytest
from starlette.requests import Request
from starlette.responses import Response

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.refusals import Refusal
from devstack.supabase.gateway.rest.complaints import explained
from devstack.supabase.gateway.rest.media import OBJECT, Media
from devstack.supabase.gateway.rest.plan import Plan, Wanted
from devstack.supabase.gateway.rest.preferences import parse_preferences
from devstack.supabase.gateway.rest.respond import (
    Outcome,
    check,
    respond_read,
    respond_write,
)


def wanted(method: str = "GET", prefer: str = "", media: Media | None = None) -> Wanted:
    return Wanted(
        method=method,
        name=("public", "notes"),
        query="",
        preferences=parse_preferences(prefer),
        media=media or Media(),
    )


def outcome(rows: int = 1, total: int | None = None) -> Outcome:
    return Outcome(
        body="[]",
        rows=rows,
        total=total,
        inserted=None,
        location=None,
        headers=None,
        status=None,
    )


@pytest.mark.parametrize(
    ("offset", "rows", "total", "status", "content_range"),
    [
        (0, 3, None, 200, "0-2/*"),
        (0, 0, None, 200, "*/*"),
        (0, 3, 3, 200, "0-2/3"),
        (0, 2, 3, 206, "0-1/3"),
        (2, 1, 3, 206, "2-2/3"),
        (3, 0, 3, 206, "*/3"),
        (0, 0, 0, 200, "*/0"),
    ],
)
def test_a_page_says_which_rows_of_how_many_it_holds(
    offset: int, rows: int, total: int | None, status: int, content_range: str
) -> None:
    answer = respond_read(
        wanted(), Plan("", offset=offset), outcome(rows=rows, total=total)
    )
    assert answer.status_code == status
    assert answer.headers["content-range"] == content_range


def test_a_page_behind_the_last_row_is_out_of_range() -> None:
    with pytest.raises(Refusal) as refused:
        respond_read(wanted(), Plan("", offset=4), outcome(rows=0, total=3))
    assert refused.value.status == 416
    assert refused.value.headers == {"Content-Range": "*/3"}


@pytest.mark.parametrize(
    ("method", "prefer", "inserted", "status", "content_range"),
    [
        ("POST", "", None, 201, "*/*"),
        ("POST", "return=representation,count=exact", None, 201, "*/2"),
        ("POST", "resolution=merge-duplicates", 0, 200, "*/*"),
        ("POST", "resolution=merge-duplicates", 1, 201, "*/*"),
        ("PATCH", "", None, 204, "0-1/*"),
        ("PATCH", "return=representation", None, 200, "0-1/*"),
        ("DELETE", "count=exact", None, 204, "*/2"),
        ("DELETE", "return=representation", None, 200, "*/*"),
    ],
)
def test_a_write_says_what_it_did(
    method: str, prefer: str, inserted: int | None, status: int, content_range: str
) -> None:
    written = dataclasses.replace(outcome(rows=2), inserted=inserted)
    answer = respond_write(wanted(method, prefer), written)
    assert answer.status_code == status
    assert answer.headers["content-range"] == content_range
    assert answer.headers.get("preference-applied", "") == prefer.replace(",", ", ")


def test_a_new_row_has_an_address_whose_key_is_exact() -> None:
    made = dataclasses.replace(
        outcome(), location='{"id":9007199254740993,"part":1.10,"slug":"a b"}'
    )
    answer = respond_write(wanted("POST", "return=headers-only"), made)
    assert answer.headers["location"] == (
        "/notes?id=eq.9007199254740993&part=eq.1.10&slug=eq.a+b"
    )


def test_a_function_may_choose_status_and_headers() -> None:
    chosen = dataclasses.replace(
        outcome(), status="418", headers='[{"Cache-Control": "no-store"}]'
    )
    answer = respond_read(wanted(), Plan(""), chosen)
    assert answer.status_code == 418
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("rows", [0, 2])
def test_a_single_object_is_one_row_exactly(rows: int) -> None:
    with pytest.raises(Refusal) as refused:
        check(wanted(media=Media(OBJECT, single=True)), outcome(rows=rows))
    assert refused.value.status == 406
    assert refused.value.body["details"] == f"The result contains {rows} rows"


def test_more_rows_than_expected_undo_a_write() -> None:
    strict = wanted("PATCH", "handling=strict,max-affected=1")
    check(strict, outcome(rows=1))
    with pytest.raises(Refusal) as refused:
        check(strict, outcome(rows=2))
    assert refused.value.body["code"] == "PGRST124"


async def complaint(failure: Exception) -> Refusal:
    async def failing(_: Request) -> Response:
        raise failure

    with pytest.raises(Refusal) as refused:
        await explained(failing)(Request({"type": "http"}))
    return refused.value


async def test_every_refusal_names_its_code_in_a_header() -> None:
    refused = await complaint(refusals.postgrest("42501", "no", status=401))
    assert refused.headers == {
        "Proxy-Status": "PostgREST; error=42501",
        "WWW-Authenticate": "Bearer",
    }


async def test_a_query_nested_without_end_is_refused() -> None:
    refused = await complaint(RecursionError())
    assert (refused.status, refused.body["code"]) == (400, "PGRST100")


async def test_the_database_may_word_the_whole_answer() -> None:
    message = json.dumps({"code": "123", "message": "Payment needed", "hint": "pay"})
    details = json.dumps({"status": 402, "headers": {"X-Price": "5"}})
    refused = await complaint(refusals.postgrest("PGRST", message, details))
    assert refused.status == 402
    assert refused.headers["X-Price"] == "5"
    assert refused.body == {
        "code": "123",
        "message": "Payment needed",
        "details": None,
        "hint": "pay",
    }


@pytest.mark.parametrize("details", [None, "{", '{"status": 402}'])
async def test_an_unreadable_wording_is_an_error_of_its_own(
    details: str | None,
) -> None:
    message = '{"code": "123", "message": "x"}'
    refused = await complaint(refusals.postgrest("PGRST", message, details))
    assert (refused.status, refused.body["code"]) == (500, "PGRST121")
