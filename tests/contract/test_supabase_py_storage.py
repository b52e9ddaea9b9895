"""Storage as the unmodified supabase-py uses it, and as policies guard it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from storage3.exceptions import StorageApiError
from storage3.types import FileOptions
from supabase import AsyncClient

from tests.contract.project import Person, Supabase

TEXT: FileOptions = {"content-type": "text/plain", "cache-control": "60"}


async def refusal_of(call: Awaitable[object]) -> tuple[str, str]:
    with pytest.raises(StorageApiError) as refused:
        await call
    return str(refused.value.status), refused.value.code


@pytest.fixture
async def bucket(service: AsyncClient) -> AsyncIterator[str]:
    """A private bucket; its policies give everybody the folder named by their id."""
    name = f"contract-{uuid.uuid4().hex[:12]}"
    await service.storage.create_bucket(name)
    yield name
    await service.storage.empty_bucket(name)
    await service.storage.delete_bucket(name)


async def test_a_bucket_is_made_shown_changed_and_deleted(service: AsyncClient) -> None:
    name = f"contract-{uuid.uuid4().hex[:12]}"
    await service.storage.create_bucket(
        name, options={"public": False, "file_size_limit": 1000}
    )
    made = await service.storage.get_bucket(name)
    assert (made.id, made.public, made.file_size_limit) == (name, False, 1000)
    assert name in [bucket.id for bucket in await service.storage.list_buckets()]

    await service.storage.update_bucket(
        name, {"public": True, "allowed_mime_types": ["image/*"]}
    )

    changed = await service.storage.get_bucket(name)
    assert (changed.public, changed.file_size_limit) == (True, 1000)
    assert changed.allowed_mime_types == ["image/*"]
    await service.storage.delete_bucket(name)
    assert await refusal_of(service.storage.get_bucket(name)) == (
        "404",
        "Bucket not found",
    )


async def test_a_bucket_is_made_once(service: AsyncClient, bucket: str) -> None:
    again = service.storage.create_bucket(bucket)

    assert await refusal_of(again) == ("409", "Duplicate")


async def test_a_bucket_with_files_stays(service: AsyncClient, bucket: str) -> None:
    await service.storage.from_(bucket).upload("a.txt", b"a")

    status, _ = await refusal_of(service.storage.delete_bucket(bucket))

    assert status == "409"


async def test_what_is_uploaded_is_downloaded(
    service: AsyncClient, bucket: str
) -> None:
    files = service.storage.from_(bucket)
    content = bytes(range(256)) * 12_000

    stored = await files.upload(
        "folder/a photo (1).jpg",
        content,
        {"content-type": "image/jpeg", "metadata": {"by": "ana"}},
    )

    assert stored.full_path == f"{bucket}/folder/a photo (1).jpg"
    assert await files.download("folder/a photo (1).jpg") == content
    assert await files.exists("folder/a photo (1).jpg")
    info = await files.info("folder/a photo (1).jpg")
    assert (info["size"], info["content_type"]) == (len(content), "image/jpeg")
    assert info["metadata"] == {"by": "ana"}


async def test_a_second_upload_replaces_only_when_asked(
    service: AsyncClient, bucket: str
) -> None:
    files = service.storage.from_(bucket)
    await files.upload("a.txt", b"first", TEXT)

    assert await refusal_of(files.upload("a.txt", b"second")) == ("409", "Duplicate")
    assert await files.download("a.txt") == b"first"

    await files.upload("a.txt", b"second", {"upsert": "true"})
    assert await files.download("a.txt") == b"second"
    await files.update("a.txt", b"third")
    assert await files.download("a.txt") == b"third"


async def test_only_what_exists_is_updated(service: AsyncClient, bucket: str) -> None:
    files = service.storage.from_(bucket)

    assert await refusal_of(files.update("no.txt", b"x")) == ("404", "not_found")
    assert await refusal_of(files.download("no.txt")) == ("404", "not_found")
    assert not await files.exists("no.txt")


async def test_a_bucket_limits_size_and_kind(service: AsyncClient, bucket: str) -> None:
    await service.storage.update_bucket(
        bucket, {"file_size_limit": 2_000_000, "allowed_mime_types": ["image/*"]}
    )
    files = service.storage.from_(bucket)
    image: FileOptions = {"content-type": "image/png"}

    too_large = files.upload("big.png", b"x" * 2_000_001, image)
    assert await refusal_of(too_large) == ("413", "Payload too large")
    no_image = files.upload("a.txt", b"x", TEXT)
    assert await refusal_of(no_image) == ("415", "invalid_mime_type")

    await files.upload("fits.png", b"x" * 2_000_000, image)
    assert [one["name"] for one in await files.list()] == ["fits.png"]


async def test_a_bare_body_is_a_file_too(
    supabase: Supabase, service: AsyncClient, bucket: str
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"0123456789" * 1000

    async with httpx.AsyncClient() as http:
        answer = await http.post(
            f"{supabase.url}/storage/v1/object/{bucket}/raw.bin",
            content=chunks(),
            headers={
                "apikey": supabase.secret_key,
                "authorization": f"Bearer {supabase.secret_key}",
                "content-type": "application/x-raw",
                "cache-control": "max-age=5",
            },
        )

    assert answer.status_code == 200
    assert answer.json()["Key"] == f"{bucket}/raw.bin"
    files = service.storage.from_(bucket)
    info = await files.info("raw.bin")
    assert (info["size"], info["content_type"]) == (200_000, "application/x-raw")


async def test_a_name_that_is_no_key_is_refused(
    service: AsyncClient, bucket: str
) -> None:
    status, code = await refusal_of(
        service.storage.from_(bucket).upload("tab\there.txt", b"x")
    )

    assert (status, code) == ("400", "InvalidKey")


async def test_folders_are_listed_before_files(
    service: AsyncClient, bucket: str
) -> None:
    files = service.storage.from_(bucket)
    for name in ("b.txt", "a.txt", "in/one.txt", "in/deeper/two.txt", "inner.txt"):
        await files.upload(name, b"x", TEXT)

    top = await files.list()
    inside = await files.list("in")
    page = await files.list(options={"limit": 2, "offset": 1})
    found = await files.list("in", {"search": "on"})
    newest = await files.list(
        options={"sortBy": {"column": "created_at", "order": "desc"}}
    )

    assert [one["name"] for one in top] == ["in", "a.txt", "b.txt", "inner.txt"]
    assert (top[0]["id"], top[0]["metadata"]) == (None, None)
    assert top[1]["metadata"]["mimetype"] == "text/plain"
    assert [one["name"] for one in inside] == ["deeper", "one.txt"]
    assert [one["name"] for one in page] == ["a.txt", "b.txt"]
    assert [one["name"] for one in found] == ["one.txt"]
    assert [one["name"] for one in newest][1:] == ["inner.txt", "a.txt", "b.txt"]


async def test_files_move_copy_and_disappear(service: AsyncClient, bucket: str) -> None:
    files = service.storage.from_(bucket)
    await files.upload("old.txt", b"content", TEXT)

    await files.move("old.txt", "new/name.txt")
    await files.copy("new/name.txt", "twin.txt")

    assert not await files.exists("old.txt")
    assert await files.download("new/name.txt") == b"content"
    removed = await files.remove(["new/name.txt", "never.txt"])
    assert [one["name"] for one in removed] == ["new/name.txt"]
    assert await files.download("twin.txt") == b"content"
    moved = files.move("never.txt", "x.txt")
    assert await refusal_of(moved) == ("404", "not_found")
    taken = files.copy("twin.txt", "twin.txt")
    assert await refusal_of(taken) == ("409", "Duplicate")


async def test_a_signed_url_opens_one_file_for_a_while(
    service: AsyncClient, bucket: str
) -> None:
    files = service.storage.from_(bucket)
    await files.upload("a b.txt", b"signed", TEXT)
    await files.upload("other.txt", b"other", TEXT)

    url = (await files.create_signed_url("a b.txt", 60))["signedURL"]
    saved = await files.create_signed_url("a b.txt", 60, {"download": "c.txt"})
    assert url is not None
    assert saved["signedURL"] is not None

    async with httpx.AsyncClient() as http:
        opened = await http.get(url)
        download = await http.get(saved["signedURL"])
        part = await http.get(url, headers={"range": "bytes=2-4"})
        misused = await http.get(url.replace("a%20b.txt", "other.txt"))
        spoiled = await http.get(url[:-3] + "abc")
    assert (opened.content, opened.headers["content-type"]) == (
        b"signed",
        "text/plain; charset=utf-8",
    )
    assert opened.headers["cache-control"] == "max-age=60"
    assert "filename=c.txt" in download.headers["content-disposition"]
    assert (part.status_code, part.content) == (206, b"gne")
    assert (misused.status_code, misused.json()["error"]) == (400, "InvalidSignature")
    assert (spoiled.status_code, spoiled.json()["error"]) == (400, "InvalidJWT")


async def test_many_urls_are_signed_at_once(service: AsyncClient, bucket: str) -> None:
    files = service.storage.from_(bucket)
    await files.upload("a.txt", b"a", TEXT)

    good, bad = await files.create_signed_urls(["a.txt", "no.txt"], 60)

    assert (good["error"], good["path"]) == (None, "a.txt")
    assert (bad["signedURL"], bad["path"]) == (None, "no.txt")
    assert bad["error"] is not None


async def test_a_signed_upload_needs_no_user(
    service: AsyncClient, anonymous: AsyncClient, bucket: str
) -> None:
    grant = await service.storage.from_(bucket).create_signed_upload_url("up.txt")

    await anonymous.storage.from_(bucket).upload_to_signed_url(
        "up.txt", grant["token"], b"from outside", {"content-type": "text/plain"}
    )

    assert await service.storage.from_(bucket).download("up.txt") == b"from outside"


async def test_public_files_need_no_key(service: AsyncClient, bucket: str) -> None:
    files = service.storage.from_(bucket)
    await files.upload("a.txt", b"public", TEXT)
    url = await files.get_public_url("a.txt")

    async with httpx.AsyncClient() as http:
        private = await http.get(url)
        await service.storage.update_bucket(bucket, {"public": True})
        public = await http.get(url)

    assert (private.status_code, private.json()["error"]) == (400, "Bucket not found")
    assert public.content == b"public"


async def test_policies_give_each_person_their_folder(
    bucket: str,
    ana: Person,
    bob: Person,
    allow: Callable[[str], Awaitable[None]],
) -> None:
    await allow(bucket)
    of_ana, of_bob = ana.client.storage.from_(bucket), bob.client.storage.from_(bucket)
    mine = f"{ana.id}/diary.txt"
    await of_ana.upload(mine, b"dear diary", TEXT)

    assert await of_ana.download(mine) == b"dear diary"
    assert await of_ana.list() == [
        {
            "name": ana.id,
            "id": None,
            "updated_at": None,
            "created_at": None,
            "last_accessed_at": None,
            "metadata": None,
        }
    ]
    assert await refusal_of(of_bob.download(mine)) == ("404", "not_found")
    assert await refusal_of(of_bob.create_signed_url(mine, 60)) == ("404", "not_found")
    assert await of_bob.list() == []
    assert await of_bob.remove([mine]) == []
    intruding = of_bob.upload(f"{ana.id}/note.txt", b"hi", TEXT)
    assert await refusal_of(intruding) == ("403", "Unauthorized")
    assert await of_ana.exists(mine)


async def test_without_policies_people_see_nothing(
    ana: Person, anonymous: AsyncClient, service: AsyncClient, bucket: str
) -> None:
    await service.storage.from_(bucket).upload("a.txt", b"a", TEXT)

    for client in (ana.client, anonymous):
        files = client.storage.from_(bucket)
        assert await files.list() == []
        assert await refusal_of(files.download("a.txt")) == ("404", "not_found")
        assert await refusal_of(files.upload("b.txt", b"b")) == ("403", "Unauthorized")
        assert await client.storage.list_buckets() == []


async def test_rows_are_not_deleted_behind_storages_back(
    service: AsyncClient, bucket: str, database: Any
) -> None:
    await service.storage.from_(bucket).upload("a.txt", b"a", TEXT)

    with pytest.raises(Exception, match="Direct deletion from storage tables"):
        await database.execute(
            "delete from storage.objects where bucket_id = $1", bucket
        )

    assert await service.storage.from_(bucket).download("a.txt") == b"a"


async def test_an_unknown_route_is_refused_as_storage_does(supabase: Supabase) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            f"{supabase.url}/storage/v1/upload/resumable",
            headers={"apikey": supabase.secret_key},
        )

    assert answer.status_code == 404
    assert answer.json()["statusCode"] == 404
    assert answer.json()["error"] == "Not Found"


@pytest.fixture
async def allow(database: Any) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Policies that give people the folder named by their id, in one bucket."""
    granted: list[str] = []

    async def grant(bucket: str) -> None:
        rule = (
            f"bucket_id = '{bucket}'"
            " and (storage.foldername(name))[1] = (select auth.uid())::text"
        )
        for verb in ("select", "insert", "update", "delete"):
            clause = "with check" if verb == "insert" else "using"
            name = f"{bucket} {verb}"
            await database.execute(
                f'create policy "{name}" on storage.objects for {verb}'
                f" to authenticated {clause} ({rule})"
            )
            granted.append(name)

    yield grant
    for name in granted:
        await database.execute(f'drop policy "{name}" on storage.objects')
