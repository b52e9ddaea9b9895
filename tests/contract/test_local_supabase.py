"""The local Supabase as a whole: its processes die and return, its keys and data stay."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from devstack.supabase.local import LocalSupabase
from tests.contract.project import PASSWORD

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 30  # seconds


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="zapbase-local-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
async def local() -> AsyncIterator[LocalSupabase]:
    """One for all tests here, each of which puts right what it broke."""
    with tempfile.TemporaryDirectory(prefix="zapbase-local-") as name:
        async with LocalSupabase.start(Path(name), migrations=None) as local:
            yield local


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        yield http


async def get(
    http: aiohttp.ClientSession, url: str, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, object]]:
    async with http.get(url, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_users_and_keys_outlive_a_restart_of_everything(
    directory: Path,
) -> None:
    email = f"ana.{uuid.uuid4().hex[:8]}@example.com"
    async with LocalSupabase.start(directory, migrations=None) as before:
        user = await before.sign_up(email, PASSWORD)

    async with LocalSupabase.start(directory, migrations=None) as after:
        assert after.keys == before.keys
        assert mode_of(directory / "keys.json") == 0o600
        connection = await asyncpg.connect(after.database_url)
        found = await connection.fetchval("select id from auth.users")
        await connection.close()

    assert str(found) == user.id


async def test_migrations_are_applied_at_the_start(directory: Path) -> None:
    migrations = directory / "migrations"
    migrations.mkdir()
    (migrations / "20990101000000_notes.sql").write_text("create table notes (n int);")

    async with LocalSupabase.start(directory, migrations=migrations) as local:
        connection = await asyncpg.connect(local.database_url)
        made = await connection.fetchval("select to_regclass('notes') is not null")
        await connection.close()

    assert made


async def test_without_postgres_requests_fail_and_afterwards_they_work(
    local: LocalSupabase, http: aiohttp.ClientSession
) -> None:
    headers = {"apikey": local.keys.secret}
    url = f"{local.url}/rest/v1/nothing"
    await local.postgres.kill()

    try:
        rest = await get(http, url, headers)
        storage = await get(http, f"{local.url}/storage/v1/bucket", headers)
    finally:
        await local.postgres.start()

    assert (rest[0], rest[1].get("code")) == (503, "PGRST001")
    assert (storage[0], storage[1].get("error")) == (500, "DatabaseError")
    assert await get(http, f"{local.url}/health") == (200, {"status": "ok"})
    assert (await get(http, url, headers))[0] == 404


async def test_the_gateway_returns_on_its_port_after_stop_and_kill(
    local: LocalSupabase, http: aiohttp.ClientSession
) -> None:
    for end in (local.gateway.stop, local.gateway.kill):
        await end()
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(f"{local.url}/health")

        await local.gateway.start()

        assert await get(http, f"{local.url}/health") == (200, {"status": "ok"})


async def test_a_frozen_gateway_is_silent_until_it_thaws(
    local: LocalSupabase, http: aiohttp.ClientSession
) -> None:
    local.gateway.freeze()
    asking = asyncio.create_task(get(http, f"{local.url}/health"))
    done, _ = await asyncio.wait({asking}, timeout=0.3)
    assert not done

    local.gateway.thaw()

    assert await asking == (200, {"status": "ok"})


async def test_a_frozen_gateway_can_be_stopped(local: LocalSupabase) -> None:
    local.gateway.freeze()

    async with asyncio.timeout(PATIENCE):
        await local.gateway.stop()

    await local.gateway.start()


async def test_a_minted_token_is_a_user_and_an_expired_one_nobody(
    local: LocalSupabase, http: aiohttp.ClientSession
) -> None:
    user = await local.sign_up(f"{uuid.uuid4().hex[:8]}@example.com", PASSWORD)
    url = f"{local.url}/auth/v1/user"
    key = {"apikey": local.keys.publishable}

    fresh = {"authorization": f"Bearer {local.mint(sub=user.id)}"}
    stale = {"authorization": f"Bearer {local.mint(sub=user.id, expires_in=-1)}"}

    status, body = await get(http, url, key | fresh)
    assert (status, body["id"]) == (200, user.id)
    status, body = await get(http, url, key | stale)
    assert (status, body["error_code"]) == (403, "bad_jwt")
    status, body = await get(http, f"{local.url}/rest/v1/nothing", key | stale)
    assert (status, body["code"], body["message"]) == (401, "PGRST303", "JWT expired")


async def test_every_door_asks_for_a_key(
    local: LocalSupabase, http: aiohttp.ClientSession
) -> None:
    for path in ("/rest/v1/nothing", "/auth/v1/user"):
        status, body = await get(http, local.url + path)
        assert (status, body["message"]) == (401, "No API key found in request")
        wrong = {"apikey": local.mint(role="service_role")}
        status, body = await get(http, local.url + path, wrong)
        assert (status, body["message"]) == (401, "Invalid API key")
    status, body = await get(http, f"{local.url}/storage/v1/bucket")
    assert (status, body["statusCode"]) == (400, "400")


async def test_what_nobody_serves_is_refused_by_the_api_gateway(
    local: LocalSupabase, http: aiohttp.ClientSession
) -> None:
    for path in ("/", "/functions/v1/hello", "/graphql/v1"):
        status, body = await get(http, local.url + path)
        assert status == 404
        assert body == {"message": "no Route matched with those values"}


async def test_auth_spells_errors_as_old_clients_know_them(
    local: LocalSupabase, http: aiohttp.ClientSession
) -> None:
    headers = {"apikey": local.keys.publishable}
    async with http.post(
        f"{local.url}/auth/v1/token?grant_type=password",
        headers=headers,
        json={"email": "nobody@example.com", "password": "x"},
    ) as answer:
        body = await answer.json()

    assert answer.status == 400
    assert body == {
        "code": 400,
        "error_code": "invalid_credentials",
        "msg": "Invalid login credentials",
    }


async def test_the_command_prints_facts_that_work_and_stops_on_a_signal(
    directory: Path, http: aiohttp.ClientSession
) -> None:
    arguments = ["--directory", str(directory / "d"), "--port", "0", "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "devstack.supabase",
        *arguments,
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        facts = json.loads(await process.stdout.readline())
        status, _ = await get(
            http, f"{facts['url']}/storage/v1/bucket", {"apikey": facts["secret_key"]}
        )
        connection = await asyncpg.connect(facts["database_url"])
        await connection.close()
        process.send_signal(signal.SIGTERM)
        await process.communicate()

    assert status == 200
    assert process.returncode == 0
    with pytest.raises(aiohttp.ClientConnectorError):
        await http.get(facts["url"])


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777
