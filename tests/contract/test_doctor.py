"""`zapbase doctor` on a real local project: what it finds, and that it names the cure."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import asyncpg
import pytest

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.probes import has_schema
from connector.adapters.whatsapp.spool.writer import FILE_NAME, connect
from connector.doctor import project
from connector.sealing import Sealer
from devstack.supabase.local import LocalSupabase

pytestmark = [pytest.mark.xdist_group("doctor"), pytest.mark.usefixtures("template")]

KEY = secrets.token_bytes(32)
Told = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
async def local() -> AsyncIterator[LocalSupabase]:
    """One for all tests here, each of which puts right what it broke."""
    with tempfile.TemporaryDirectory(prefix="zapbase-doctor-") as name:
        async with LocalSupabase.start(Path(name)) as local:
            yield local


async def examined(environment: Mapping[str, str]) -> tuple[int, Told]:
    """Its exit code, and what it says of each check."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "connector", "doctor", "--json"),
        env={"PATH": os.defpath, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, {one["check"]: one for one in json.loads(said)}


def settings(local: LocalSupabase, folder: Path, **others: str) -> dict[str, str]:
    return {
        "SUPABASE_URL": local.url,
        "SUPABASE_SECRET_KEY": local.keys.secret,
        "WA_STATE_KEY": base64.b64encode(KEY).decode(),
        "WA_DATA_DIR": str(folder),
        **others,
    }


def verdicts(told: Told) -> dict[str, str]:
    return {check: one["verdict"] for check, one in told.items()}


async def test_a_project_that_is_well_is_called_well(
    local: LocalSupabase, tmp_path: Path
) -> None:
    code, told = await examined(settings(local, tmp_path))

    assert code == 0, told
    assert set(verdicts(told).values()) == {"good"}
    assert set(told) == {
        *(
            "settings",
            "data folder",
            "disk",
            "memory",
            "open files",
            "state key",
            "neonize",
            "supabase",
        ),
        *("schema", "row-level security", "realtime tables", "clock"),
        *("saved states", "doorbell", "storage"),
    }


async def test_what_stands_open_or_is_missing_is_named(
    local: LocalSupabase, tmp_path: Path
) -> None:
    database = await asyncpg.connect(local.database_url)
    await database.execute("grant select on public.wa_messages to anon")
    await database.execute(
        "alter publication supabase_realtime drop table public.wa_chats, public.wa_reactions"
    )

    await database.execute(
        "alter function public.wa_store_batch rename to wa_store_batch_of_old"
    )

    code, told = await examined(settings(local, tmp_path))

    await database.execute(
        "alter function public.wa_store_batch_of_old rename to wa_store_batch"
    )
    await database.execute("revoke select on public.wa_messages from anon")
    await database.execute(
        "alter publication supabase_realtime add table public.wa_chats, public.wa_reactions"
    )
    await database.close()
    assert code == 1
    assert "wa_messages" in told["row-level security"]["sentence"]
    assert told["realtime tables"]["sentence"].startswith("6 of 8")
    assert "wa_store_batch" in told["schema"]["sentence"]
    assert "supabase db push" in told["schema"]["cure"]
    assert "wa_chats" in told["realtime tables"]["cure"]
    assert "revoke" in told["row-level security"]["cure"]


async def test_a_running_connector_too_misses_what_older_migrations_lack(
    local: LocalSupabase,
) -> None:
    client = SupabaseClient(local.url, local.keys.secret)
    database = await asyncpg.connect(local.database_url)
    rename = "alter function public.{} rename to {}"
    await database.execute(rename.format("wa_sign_off", "wa_sign_off_of_old"))

    without = await has_schema(client)
    await database.execute(rename.format("wa_sign_off_of_old", "wa_sign_off"))
    complete = await has_schema(client)

    await database.close()
    await client.aclose()
    assert (without, complete) == (False, True)


async def test_a_wrong_key_and_a_wrong_address_are_told_apart(
    local: LocalSupabase, tmp_path: Path
) -> None:
    wrong = settings(local, tmp_path, SUPABASE_SECRET_KEY="sb_secret_" + "x" * 30)
    away = settings(local, tmp_path, SUPABASE_URL="http://127.0.0.1:9")

    # Somebody's web server, which knows nothing of Supabase.
    other = settings(local, tmp_path, SUPABASE_URL=f"{local.url}/elsewhere")

    (_, refused), (code, unreachable), (_, taken_in) = await asyncio.gather(
        examined(wrong), examined(away), examined(other)
    )

    assert "SUPABASE_SECRET_KEY" in refused["supabase"]["cure"]
    assert "SUPABASE_URL" in unreachable["supabase"]["cure"]
    assert "ConnectError" in unreachable["supabase"]["sentence"]
    assert "not as Supabase does" in taken_in["supabase"]["sentence"]
    assert code == 1
    assert "storage" not in unreachable


@pytest.mark.parametrize(
    ("status", "cure"),
    [(401, "SECRET_KEY"), (402, "dashboard"), (429, "asks so much"), (540, "Restore")],
)
async def test_what_keeps_supabase_from_answering_has_a_cure_of_its_own(
    local: LocalSupabase, status: int, cure: str
) -> None:
    client = SupabaseClient(local.url, local.keys.secret)
    local.faults.answer(status)

    finding, answer = await project.reached(client)
    of_storage = await project.storage(client)

    local.faults.heal()
    await client.aclose()
    assert answer is None
    assert cure in finding.cure
    assert cure in of_storage.cure


async def test_a_spool_of_another_key_and_a_folder_of_somebody_elses_are_named(
    local: LocalSupabase, tmp_path: Path
) -> None:
    session = tmp_path / "sessions" / "a"
    session.mkdir(parents=True)
    body = Sealer([secrets.token_bytes(32)]).seal(b"oi", b"")
    with connect(session / FILE_NAME) as spool:
        spool.execute(
            "insert into events (seq, code, term, received_at, body)"
            " values (1, 1, 1, 0, ?)",
            (body,),
        )
    a_file = tmp_path / "file"
    a_file.touch()

    (_, told), (_, nowhere) = await asyncio.gather(
        examined(settings(local, tmp_path)),
        examined(settings(local, a_file / "data")),
    )

    assert told["state key"]["verdict"] == "bad"
    assert "WA_STATE_KEY" in told["state key"]["cure"]
    assert nowhere["data folder"]["verdict"] == "bad"


async def test_saved_states_of_a_lost_key_and_of_an_earlier_one_are_told_apart(
    local: LocalSupabase, tmp_path: Path
) -> None:
    earlier, lost = secrets.token_bytes(32), secrets.token_bytes(32)
    database = await asyncpg.connect(local.database_url)
    for name, key in (("one", KEY), ("two", earlier), ("three", lost)):
        await database.execute(
            "with workspace as ("
            "  insert into wa_workspaces (name) values ($1) returning id"
            "), session as ("
            "  insert into wa_sessions (workspace_id) select id from workspace"
            "  returning id"
            ") insert into wa_private.device_states (session_id, generation, manifest)"
            " select id, 1, $2 from session",
            name,
            Sealer([key]).seal(b"a manifest", b""),
        )
    known = ",".join(base64.b64encode(key).decode() for key in (KEY, earlier, lost))

    (_, two_keys), (_, all_keys) = await asyncio.gather(
        examined(settings(local, tmp_path, WA_STATE_KEY=known.rpartition(",")[0])),
        examined(settings(local, tmp_path, WA_STATE_KEY=known)),
    )

    await database.execute(
        "delete from wa_workspaces where name in ('one', 'two', 'three')"
    )
    await database.close()
    assert two_keys["saved states"]["verdict"] == "bad"
    assert two_keys["saved states"]["sentence"].startswith("Of 1 of 3 numbers")
    assert "WA_STATE_KEY" in two_keys["saved states"]["cure"]
    assert all_keys["saved states"]["verdict"] == "good"
    assert "2 with an earlier key" in all_keys["saved states"]["sentence"]


async def test_missing_settings_are_all_said_at_once_and_values_never() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "connector", "doctor"),
        env={"PATH": os.defpath, "WA_STATE_KEY": "secret-and-wrong"},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()

    assert process.returncode == 1
    assert said.count(b"FAIL") == 3
    assert b"SUPABASE_URL" in said
    assert b"secret-and-wrong" not in said
