"""Reading and writing tables as the unmodified supabase-py does."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from httpx import AsyncClient as AsyncHttpClient
from postgrest import CountMethod
from supabase import AsyncClient

from tests.contract.project import Supabase
from tests.contract.tables import BIG, Builder, refusal, table

READS: dict[str, tuple[Callable[[Builder], Builder], list[int]]] = {
    "eq": (lambda q: q.eq("id", BIG), [BIG]),
    "neq": (lambda q: q.neq("name", "Lygia"), [1, BIG]),
    "gt": (lambda q: q.gt("id", 3), [BIG]),
    "gte and lte": (lambda q: q.gte("id", 1).lte("id", 3), [1, 3]),
    "lt": (lambda q: q.lt("balance", 3), [BIG]),
    "like": (lambda q: q.like("name", "%y%"), [3]),
    "ilike with a star": (lambda q: q.ilike("name", "*c*"), [1]),
    "like any": (lambda q: q.like_any_of("name", "C%,L%"), [1, 3]),
    "ilike all": (lambda q: q.ilike_all_of("name", "%L%,%A%"), [1, 3]),
    "is null": (lambda q: q.is_("balance", None), [3]),
    "not is null": (lambda q: q.not_.is_("balance", None), [1, BIG]),
    "in": (lambda q: q.in_("id", [1, BIG]), [1, BIG]),
    "in, quoted": (lambda q: q.in_("name", ['Jorge, "the elder"', "x"]), [BIG]),
    "in nothing": (lambda q: q.in_("id", []), []),
    "eq, quoted": (lambda q: q.eq("name", 'Jorge, "the elder"'), [BIG]),
    "contains array": (lambda q: q.contains("languages", ["en"]), [1]),
    "contained by": (lambda q: q.contained_by("languages", ["pt", "xx"]), [BIG]),
    "overlaps": (lambda q: q.overlaps("languages", ["en", "xx"]), [1]),
    "contains json": (lambda q: q.contains("profile", {"born": 1912}), [BIG]),
    "json path": (lambda q: q.eq("profile->city->>name", "Recife"), [1]),
    "match": (lambda q: q.match({"id": 1, "name": "Clarice"}), [1]),
    "text search": (lambda q: q.text_search("name", "elder"), [BIG]),
    "or": (lambda q: q.or_("id.eq.1,and(id.gt.2,balance.is.null)"), [1, 3]),
    "not or": (lambda q: q.not_.or_("id.eq.1,id.eq.3"), [BIG]),
    "filter": (lambda q: q.filter("name", "match", "^[CL]"), [1, 3]),
    "isdistinct": (lambda q: q.filter("mentor_id", "isdistinct", "1"), [1]),
}


@pytest.mark.parametrize("case", READS)
async def test_filters_find_the_rows_they_mean(service: AsyncClient, case: str) -> None:
    narrow, expected = READS[case]
    query = table(service, "contract_authors").select("id").order("id")

    answer = await narrow(query).execute()

    assert [row["id"] for row in answer.data] == sorted(expected)


async def test_ranges_are_compared_by_their_ends(service: AsyncClient) -> None:
    books = table(service, "contract_books").select("id")
    assert (await books.range_gt("pages", (1, 96)).execute()).data == [{"id": 2}]


async def test_numbers_and_times_survive_exactly(
    supabase: Supabase, service: AsyncClient
) -> None:
    answer = (
        await table(service, "contract_books")
        .select("id,published_at,author:contract_authors!author_id(id,profile)")
        .in_("id", [1, 3])
        .order("id")
        .execute()
    )
    assert answer.data == [
        {
            "id": 1,
            "published_at": "1977-10-26T12:00:00.123456+00:00",
            "author": {"id": 1, "profile": {"born": 1920, "city": {"name": "Recife"}}},
        },
        {
            "id": 3,
            "published_at": None,
            "author": {"id": BIG, "profile": {"born": 1912}},
        },
    ]
    # Python would read 12345678901234567890.10 as a float: look at the text itself.
    text = await raw(supabase, "contract_authors?select=balance&id=eq.1")
    assert text == '[{"balance":12345678901234567890.10}]'


async def raw(supabase: Supabase, path: str) -> str:
    headers = {"apikey": supabase.secret_key}
    async with AsyncHttpClient(headers=headers) as http:
        answer = await http.get(f"{supabase.url}/rest/v1/{path}")
    return answer.text


async def test_columns_may_be_renamed_cast_and_looked_into(
    service: AsyncClient,
) -> None:
    answer = (
        await table(service, "contract_authors")
        .select("key:id::text", "profile->city->>name", "born:profile->born")
        .eq("id", 1)
        .execute()
    )
    assert answer.data == [{"key": "1", "name": "Recife", "born": 1920}]


async def test_order_limit_and_offset(service: AsyncClient) -> None:
    authors = table(service, "contract_authors").select("id")
    by_balance = authors.order("balance", desc=True, nullsfirst=False)
    assert await ids(by_balance) == [1, BIG, 3]
    assert await ids(by_balance.limit(1).offset(1)) == [BIG]
    assert await ids(table(service, "contract_books").select("id").range(1, 2)) == [
        2,
        3,
    ]


async def ids(builder: Builder) -> list[int]:
    return [row["id"] for row in (await builder.execute()).data]


async def test_a_count_is_of_all_rows_whatever_the_page(service: AsyncClient) -> None:
    books = table(service, "contract_books")
    page = await books.select("id", count=CountMethod.exact).limit(1).execute()
    assert (len(page.data), page.count) == (1, 3)
    head = await books.select("*", count=CountMethod.exact, head=True).execute()
    assert (head.data, head.count) == ([], 3)
    narrowed = (
        await books.select("id,contract_labels!inner(id)", count=CountMethod.exact)
        .eq("contract_labels.label", "short")
        .limit(1)
        .execute()
    )
    assert narrowed.count == 1


async def test_one_row_or_none_or_a_refusal(service: AsyncClient) -> None:
    authors = table(service, "contract_authors").select("name")
    one = await authors.eq("id", 1).single().execute()
    assert one.data == {"name": "Clarice"}

    nobody = table(service, "contract_authors").select("name").eq("id", 0)
    assert await nobody.maybe_single().execute() is None
    refused = await refusal(table(service, "contract_authors").select("id").single())
    assert (refused.code, refused.details) == ("PGRST116", "The result contains 3 rows")


async def test_related_rows_come_along_in_both_directions(
    service: AsyncClient,
) -> None:
    answer = (
        await table(service, "contract_authors")
        .select("name, books:contract_books!author_id(title, contract_labels(label))")
        .eq("id", 1)
        .order("id", foreign_table="books")
        .order("label", desc=True, foreign_table="books.contract_labels")
        .single()
        .execute()
    )
    assert answer.data == {
        "name": "Clarice",
        "books": [
            {
                "title": "The Hour of the Star",
                "contract_labels": [{"label": "short"}, {"label": "novel"}],
            },
            {"title": "Água Viva", "contract_labels": [{"label": "novel"}]},
        ],
    }


async def test_a_filter_on_related_rows_narrows_them_or_the_rows_themselves(
    service: AsyncClient,
) -> None:
    authors = table(service, "contract_authors")
    left = authors.select("id, contract_books!author_id(id)").order("id")
    narrowed = await left.eq("contract_books.id", 1).limit(2).execute()
    assert narrowed.data == [
        {"id": 1, "contract_books": [{"id": 1}]},
        {"id": 3, "contract_books": []},
    ]
    inner = authors.select("id, contract_books!author_id!inner(id)")
    kept = await inner.or_("id.eq.3", reference_table="contract_books").execute()
    assert kept.data == [{"id": BIG, "contract_books": [{"id": 3}]}]


async def test_rows_may_be_ordered_by_a_related_one_and_asked_for_its_absence(
    service: AsyncClient,
) -> None:
    books = table(service, "contract_books")
    select = "id, editor:contract_authors!editor_id(name)"
    ordered = books.select(select).order("editor(name)", desc=True, nullsfirst=False)
    assert await ids(ordered) == [2, 3, 1]
    assert await ids(books.select(select).is_("editor", "null")) == [1]


async def test_a_table_related_to_itself(service: AsyncClient) -> None:
    answer = (
        await table(service, "contract_authors")
        .select("id, mentor_id(name), contract_authors(id)")
        .order("id")
        .execute()
    )
    assert answer.data[0] == {
        "id": 1,
        "mentor_id": None,
        "contract_authors": [{"id": BIG}, {"id": 3}],
    }
    assert answer.data[1]["mentor_id"] == {"name": "Clarice"}


REFUSALS: dict[str, tuple[Callable[[AsyncClient], Builder], str, str]] = {
    "unknown table": (
        lambda c: c.table("contract_nowhere").select("*"),
        "PGRST205",
        "Could not find the table 'public.contract_nowhere' in the schema cache",
    ),
    "unknown column": (
        lambda c: c.table("contract_books").select("colour"),
        "42703",
        "column contract_books.colour does not exist",
    ),
    "unknown column written": (
        lambda c: c.table("contract_books").insert({"colour": "red"}),
        "PGRST204",
        "Could not find the 'colour' column of 'contract_books' in the schema cache",
    ),
    "no relationship": (
        lambda c: c.table("contract_labels").select("contract_authors(id)"),
        "PGRST200",
        "Could not find a relationship between 'contract_labels' and 'contract_authors' in the schema cache",
    ),
    "two relationships": (
        lambda c: c.table("contract_books").select("contract_authors(id)"),
        "PGRST201",
        "Could not embed because more than one relationship was found for 'contract_books' and 'contract_authors'",
    ),
    "filter without embed": (
        lambda c: c.table("contract_books").select("id").eq("contract_labels.id", 1),
        "PGRST108",
        "'contract_labels' is not an embedded resource in this request",
    ),
    "not a number": (
        lambda c: c.table("contract_books").select("id").eq("id", "one"),
        "22P02",
        'invalid input syntax for type bigint: "one"',
    ),
    "hidden schema": (
        lambda c: c.schema("auth").table("users").select("*"),
        "PGRST106",
        "Invalid schema: auth",
    ),
    "update of everything": (
        lambda c: c.table("contract_drafts").update({"body": "x"}),
        "21000",
        "UPDATE requires a WHERE clause",
    ),
    "duplicate": (
        lambda c: c.table("contract_labels").insert({"id": 1, "label": "again"}),
        "23505",
        'duplicate key value violates unique constraint "contract_labels_pkey"',
    ),
    "dangling reference": (
        lambda c: c.table("contract_book_labels").insert({"book_id": 0, "label_id": 1}),
        "23503",
        'insert or update on table "contract_book_labels" violates foreign key constraint "contract_book_labels_book_id_fkey"',
    ),
    "missing value": (
        lambda c: c.table("contract_labels").insert({"id": 9}),
        "23502",
        'null value in column "label" of relation "contract_labels" violates not-null constraint',
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_refusals_carry_the_code_and_words_of_the_real_server(
    service: AsyncClient, case: str
) -> None:
    build, code, message = REFUSALS[case]
    refused = await refusal(build(service))
    assert (refused.code, refused.message) == (code, message)


async def test_a_filter_by_the_name_behind_an_alias_is_told_the_alias(
    service: AsyncClient,
) -> None:
    books = table(service, "contract_books").select("id, tags:contract_labels(id)")
    refused = await refusal(books.eq("contract_labels.id", 1))
    assert refused.code == "PGRST108"
    assert refused.hint == (
        "Change 'contract_labels' to 'tags' in filters, orders or limits."
    )


async def test_a_refused_head_names_its_code_without_a_body(
    service: AsyncClient,
) -> None:
    refused = await refusal(table(service, "contract_nowhere").select("*", head=True))
    assert refused.code == "PGRST205"


@pytest.mark.parametrize(
    ("path", "headers", "status", "content_range"),
    [
        ("contract_books?select=id&limit=2", {"Prefer": "count=exact"}, 206, "0-1/3"),
        ("contract_books?select=id&limit=2", {}, 200, "0-1/*"),
        ("contract_books?select=id", {"Range": "1-1"}, 200, "1-1/*"),
        ("contract_books?id=eq.0", {"Prefer": "count=exact"}, 200, "*/0"),
        ("contract_books?offset=9", {"Prefer": "count=exact"}, 416, "*/3"),
        ("contract_books", {"Accept": "text/csv-schema"}, 406, None),
        ("contract_books?limit=-1", {}, 416, None),
    ],
)
async def test_status_and_content_range(
    supabase: Supabase,
    path: str,
    headers: dict[str, str],
    status: int,
    content_range: str | None,
) -> None:
    async with AsyncHttpClient(headers={"apikey": supabase.secret_key}) as http:
        answer = await http.get(f"{supabase.url}/rest/v1/{path}", headers=headers)
    assert answer.status_code == status
    if content_range is not None:
        assert answer.headers["content-range"] == content_range
    if status >= 400:
        assert json.loads(answer.text).keys() == {"code", "details", "hint", "message"}
