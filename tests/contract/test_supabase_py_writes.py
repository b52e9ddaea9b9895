"""Writing to tables as the unmodified supabase-py does."""

from __future__ import annotations

import asyncpg
from postgrest import CountMethod, ReturnMethod
from supabase import AsyncClient

from tests.contract.project import Person, Supabase
from tests.contract.tables import BIG, invented_slug, refusal, table


async def test_inserted_rows_come_back_with_their_defaults(
    service: AsyncClient,
) -> None:
    slug = invented_slug()
    details = {"n": BIG, "list": [1, None], "quote": "it's"}
    answer = (
        await table(service, "contract_drafts")
        .insert({"slug": slug, "revision": BIG, "price": "1.10", "details": details})
        .execute()
    )
    [row] = answer.data
    assert isinstance(row.pop("id"), int)
    assert row == {
        "slug": slug,
        "body": "blank",
        "revision": BIG,
        "price": 1.1,
        "details": details,
    }


async def test_many_rows_are_inserted_at_once_with_gaps_as_null_or_default(
    service: AsyncClient,
) -> None:
    drafts = table(service, "contract_drafts")
    rows = [{"slug": invented_slug()}, {"slug": invented_slug(), "body": "full"}]
    nulls = await drafts.insert(rows).execute()
    assert [row["body"] for row in nulls.data] == [None, "full"]
    rows = [{"slug": invented_slug()}, {"slug": invented_slug(), "body": "full"}]
    defaults = await drafts.insert(rows, default_to_null=False).execute()
    assert [row["body"] for row in defaults.data] == ["blank", "full"]


async def test_an_insert_may_answer_nothing(service: AsyncClient) -> None:
    answer = (
        await table(service, "contract_drafts")
        .insert({"slug": invented_slug()}, returning=ReturnMethod.minimal)
        .execute()
    )
    assert answer.data == []


async def test_upsert_merges_or_ignores_duplicates(service: AsyncClient) -> None:
    drafts, slug = table(service, "contract_drafts"), invented_slug()
    await drafts.insert({"slug": slug, "body": "first", "revision": 1}).execute()

    merged = await drafts.upsert(
        {"slug": slug, "body": "second"}, on_conflict="slug"
    ).execute()
    assert (merged.data[0]["body"], merged.data[0]["revision"]) == ("second", 1)

    ignored = await drafts.upsert(
        [{"slug": slug, "body": "third"}], on_conflict="slug", ignore_duplicates=True
    ).execute()
    assert ignored.data == []


async def test_update_and_delete_answer_what_they_touched(
    service: AsyncClient,
) -> None:
    drafts, slug = table(service, "contract_drafts"), invented_slug()
    await drafts.insert({"slug": slug, "price": 1}).execute()

    updated = await drafts.update({"price": 2, "body": None}).eq("slug", slug).execute()
    assert [(row["price"], row["body"]) for row in updated.data] == [(2, None)]

    deleted = await drafts.delete(count=CountMethod.exact).eq("slug", slug).execute()
    assert (deleted.count, deleted.data[0]["slug"]) == (1, slug)
    assert (await drafts.delete().eq("slug", slug).execute()).data == []


async def test_a_write_may_be_limited_to_as_many_rows_as_expected(
    service: AsyncClient,
) -> None:
    drafts, slug = table(service, "contract_drafts"), invented_slug()
    rows = [{"slug": f"{slug}-{number}"} for number in range(2)]
    await drafts.insert(rows).execute()

    refused = await refusal(
        drafts.update({"body": "x"}).like("slug", f"{slug}%").max_affected(1)
    )

    assert refused.code == "PGRST124"
    untouched = await drafts.select("body").like("slug", f"{slug}%").execute()
    assert [row["body"] for row in untouched.data] == ["blank", "blank"]


async def test_people_reach_their_own_rows_only(
    ana: Person, bob: Person, anonymous: AsyncClient
) -> None:
    notes = table(ana.client, "contract_notes")
    [note] = (await notes.insert({"title": "mine"}).execute()).data
    assert note["owner_id"] == ana.id

    theirs = table(bob.client, "contract_notes")
    assert (await theirs.select("*").eq("id", note["id"]).execute()).data == []
    changed = await theirs.update({"title": "x"}).eq("id", note["id"]).execute()
    assert changed.data == []
    forged = await refusal(theirs.insert({"title": "x", "owner_id": ana.id}))
    assert forged.code == "42501"

    refused = await refusal(table(anonymous, "contract_notes").select("*"))
    assert (refused.code, refused.message) == (
        "42501",
        "permission denied for table contract_notes",
    )
    public = await table(anonymous, "contract_authors").select("id").execute()
    assert len(public.data) == 3


async def test_a_hostile_value_is_only_a_value(service: AsyncClient) -> None:
    drafts = table(service, "contract_drafts")
    for hostile in ("'; drop table x; --", "\\'; --", '"', "$1", "%", "*", "\n\t\\"):
        slug = hostile + invented_slug()
        await drafts.insert({"slug": slug}).execute()
        assert len((await drafts.select("id").eq("slug", slug).execute()).data) == 1
        assert len((await drafts.select("id").in_("slug", [slug]).execute()).data) == 1
        deleted = await drafts.delete().eq("slug", slug).execute()
        assert len(deleted.data) == 1


async def test_a_new_table_and_a_changed_one_are_served_without_a_restart(
    supabase: Supabase, service: AsyncClient
) -> None:
    name = f"contract_{invented_slug()}"
    changing = table(service, name)
    owner = await asyncpg.connect(supabase.database_url)
    try:
        await owner.execute(f"create table public.{name} (id int)")
        await owner.execute("notify pgrst, 'reload schema'")
        assert (await changing.insert({"id": 1}).execute()).data == [{"id": 1}]
        await owner.execute(f"alter table public.{name} add column size bigint")
        await owner.execute("notify pgrst, 'reload schema'")
        assert (await changing.insert({"size": BIG}).execute()).data[0]["size"] == BIG
    finally:
        await owner.execute(f"drop table if exists public.{name}")
        await owner.close()
