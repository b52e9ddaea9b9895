"""Calling functions as the unmodified supabase-py does."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import AsyncClient as AsyncHttpClient
from postgrest import APIError, CountMethod
from supabase import AsyncClient

from tests.contract.project import Supabase
from tests.contract.tables import BIG, invented_slug


async def result(client: AsyncClient, function: str, /, **arguments: Any) -> Any:
    return (await client.rpc(function, arguments).execute()).data


async def test_scalars_sets_rows_and_nothing(service: AsyncClient) -> None:
    assert await result(service, "contract_add", a=BIG, b=2) == BIG + 2
    assert await result(service, "contract_doubled", numbers=[1, BIG]) == [2, 2 * BIG]
    assert await result(service, "contract_nothing") == []
    assert (await result(service, "contract_summary"))[0] == {
        "title": "The Hour of the Star",
        "labels": 2,
    }


async def test_arguments_left_out_take_their_default(service: AsyncClient) -> None:
    assert await result(service, "contract_add", a=1) == 2


async def test_json_and_composite_arguments(service: AsyncClient) -> None:
    value = {"n": BIG, "list": [None, True, {"deep": "it's"}]}
    assert await result(service, "contract_echo", value=value) == value
    moved = await result(service, "contract_moved", point={"x": BIG, "y": "up"})
    assert moved == {"x": BIG + 1, "y": "up!"}


async def test_overloads_are_told_apart_by_their_arguments(
    service: AsyncClient,
) -> None:
    assert await result(service, "contract_which", id=1) == "by id"
    assert await result(service, "contract_which", name="x") == "by name"


async def test_the_rows_of_a_function_are_filtered_like_a_table(
    service: AsyncClient,
) -> None:
    books = service.rpc("contract_books_by", {"author": "Clarice"})
    answer = (
        await books.select("title", "contract_labels(label)")
        .gt("id", 1)
        .order("id")
        .limit(1)
        .execute()
    )
    assert answer.data == [
        {"title": "Água Viva", "contract_labels": [{"label": "novel"}]}
    ]


async def test_a_function_may_be_called_by_get_and_counted_by_head(
    service: AsyncClient,
) -> None:
    got = await service.rpc("contract_add", {"a": 1, "b": BIG}, get=True).execute()
    assert got.data == BIG + 1
    doubled = service.rpc("contract_doubled", {"numbers": [1, 2]}, get=True)
    assert (await doubled.execute()).data == [2, 4]
    counted = await service.rpc(
        "contract_books_by",
        {"author": "Clarice"},
        head=True,
        count=CountMethod.exact,
    ).execute()
    assert counted.count == 2


async def test_a_get_writes_nothing(supabase: Supabase) -> None:
    async with AsyncHttpClient(headers={"apikey": supabase.secret_key}) as http:
        answer = await http.get(
            f"{supabase.url}/rest/v1/rpc/contract_draft", params={"slug": "x"}
        )
    assert (answer.status_code, answer.json()["code"]) == (405, "25006")


async def test_a_call_that_writes_has_written(service: AsyncClient) -> None:
    slug = invented_slug()
    made = await result(service, "contract_draft", slug=slug)
    found = (
        await service.table("contract_drafts").select("id").eq("slug", slug).execute()
    )
    assert found.data == [{"id": made}]


@pytest.mark.parametrize(
    ("code", "status"),
    [("P0001", 400), ("ZB001", 400), ("PT418", 418), ("23505", 409), ("42501", 403)],
)
async def test_what_a_function_raises_reaches_the_caller(
    supabase: Supabase, code: str, status: int
) -> None:
    async with AsyncHttpClient(headers={"apikey": supabase.secret_key}) as http:
        answer = await http.post(
            f"{supabase.url}/rest/v1/rpc/contract_refuse", json={"code": code}
        )
    assert answer.status_code == status
    assert answer.json() == {
        "code": code,
        "message": "no",
        "details": "because",
        "hint": "do not",
    }


async def test_what_is_not_there_is_named(service: AsyncClient) -> None:
    with pytest.raises(APIError) as refused:
        await service.rpc("contract_add", {"a": 1, "c": 2}).execute()
    assert refused.value.code == "PGRST202"
    assert refused.value.message == (
        "Could not find the function public.contract_add(a, c) in the schema cache"
    )


async def test_a_function_not_granted_is_refused(anonymous: AsyncClient) -> None:
    with pytest.raises(APIError) as refused:
        await anonymous.rpc("contract_draft", {"slug": "x"}).execute()
    assert refused.value.code == "42501"
