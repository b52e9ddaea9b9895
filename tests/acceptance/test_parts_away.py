"""A part of Supabase is away: the rest goes on, what waits says why, and it is said once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from devstack.app import Row
from devstack.supabase.gateway.faults import Part
from tests.acceptance.test_media import attachment, picture
from tests.acceptance.world import Linked, World

PDF = b"%PDF-1.4\n" + b"0" * 200 + b"\n%%EOF"


@pytest_asyncio.fixture(loop_scope="session")
async def own_world(tmp_path: Path) -> AsyncIterator[World]:
    # Looked at often: the doorbell may be what is away.
    async with World.begin(tmp_path, WA_POLL_SECONDS="1") as world:
        yield world
        world.assert_nothing_went_unanswered()


def _lines(world: World) -> list[Row]:
    said, _, _ = world.connector.log_file.read_text("utf-8").rpartition("\n")
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def _changes(world: World) -> list[tuple[str, str, str | None]]:
    """What the log says of parts: back or away, which, and why."""
    lines = [
        line for line in _lines(world) if line["event"].startswith("supabase part")
    ]
    assert all(line["reason"] for line in lines if line["level"] == "warning")
    return [
        (line["event"].rpartition(" ")[2], line["aspect"], line.get("code"))
        for line in lines
    ]


async def _said(linked: Linked, *change: str | None) -> None:
    async def look() -> bool:
        return tuple(change) in _changes(linked.world)

    await linked.app.until(look, within=30)


async def _doorbell(linked: Linked, event: str, times: int) -> None:
    async def look() -> bool:
        told = [line["event"] for line in _lines(linked.world)]
        return (
            len([one for one in told if one.startswith(f"doorbell {event}")]) == times
        )

    await linked.app.until(look, within=30)


async def test_without_realtime_everything_goes_on_by_polling(own_world: World) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    await _doorbell(linked, "ready", 1)

    own_world.local.faults.answer(503, Part.REALTIME)
    await _doorbell(linked, "silent", 1)
    row_id = await linked.sends(bob.number, "sem campainha")
    await linked.app.outbox_is(row_id, "delivered")
    own_world.local.faults.heal()
    await _doorbell(linked, "ready", 2)

    assert _changes(own_world) == []
    events = [line["event"] for line in _lines(own_world)]
    assert events.count("doorbell silent, polling instead") == 1


async def _waiting_file(linked: Linked, file_id: str) -> Row:
    """Once its row says why it waits."""
    inbox = await linked.world.inbox()

    async def look() -> Row | None:
        [file] = await inbox.rows(linked.app, "wa_attachments", "*", {"id": file_id})
        return file if file["error_code"] else None

    return await linked.app.until(look)


async def _said_of_row(linked: Linked, row_id: str, words: str) -> Row:
    """Why it waits, once that is told: at first it is being prepared."""

    async def look() -> Row | None:
        told = await linked.waits_for(row_id)
        return next((why for why in told if words in why["message"]), None)

    return await linked.app.until(look)


async def test_without_storage_texts_flow_and_files_wait_and_say_why(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob, carla = own_world.somebody("Bob"), own_world.somebody("Carla")
    path = await linked.uploads("x.pdf", PDF, "application/pdf")

    own_world.local.faults.answer(503, Part.STORAGE)
    photo = await bob.sends_image(linked.owner, picture("bolo"))
    row_id = await linked.inserts("document", {"storage_path": path}, carla.number)
    pending = await attachment(linked, photo, "pending")
    await bob.says(linked.owner, "chegou a foto?")
    await linked.message("chegou a foto?")
    text_id = await linked.sends(bob.number, "ainda não")
    await linked.app.outbox_is(text_id, "delivered")
    await _said(linked, "away", "storage", "supabase_unavailable")
    why = await _said_of_row(linked, row_id, "Storage does not answer")
    unstored = await _waiting_file(linked, pending["id"])
    own_world.local.faults.heal()
    # Not to wait for half a minute: its time has come, and somebody rings.
    async with own_world.database() as database:
        await database.execute("update wa_outbox set retry_at = null")
    await linked.sends(bob.number, "agora sim")
    await linked.app.outbox_is(row_id, "sent", "delivered", within=90)
    await attachment(linked, photo, "stored")
    await _said(linked, "back", "storage", None)

    assert (unstored["state"], unstored["error_code"]) == ("pending", "upload_failed")
    assert (why["id"], why["reason"]) == (row_id, "retry")
    assert [change[1] for change in _changes(own_world)] == ["storage", "storage"]


async def test_who_is_refused_stays_online_and_is_told_the_cure(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")

    own_world.local.faults.answer(401)
    await _said(linked, "away", "auth", "supabase_key_refused")
    await bob.says(linked.owner, "alguém aí?")
    await linked.device.has_everything()
    row_id = await linked.sends(bob.number, "daqui a pouco")
    assert linked.device.is_connected
    assert await linked.messages(from_me=False) == []
    own_world.local.faults.heal()

    await linked.message("alguém aí?", within=30)
    await linked.app.outbox_is(row_id, "delivered", within=30)
    assert (await linked.session())["state"] == "connected"
    assert [change[:2] for change in _changes(own_world)] == [
        ("away", "auth"),
        ("back", "auth"),
    ]
