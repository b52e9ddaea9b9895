"""Killed in the middle of a file: it goes on, is stored whole, and is there once."""

from __future__ import annotations

import asyncio
import hashlib
import secrets

from devstack.app import PATIENCE, Row
from tests.acceptance.world import World

MEGABYTE = 1024 * 1024


async def test_a_file_goes_on_where_a_killed_connector_stopped(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob, media = own_world.somebody("Bob"), own_world.stage.whatsapp.media
    film = secrets.token_bytes(4 * MEGABYTE)

    hold = media.hold_next(after=3 * MEGABYTE)
    sent = await bob.sends_document(linked.owner, film, file_name="film.bin")
    async with asyncio.timeout(PATIENCE):
        await hold.reached.wait()
    await linked.app.until(lambda: on_disk(own_world, 2 * MEGABYTE))
    await own_world.connector.kill()
    hold.let_go.set()
    await own_world.connector.start()

    message = await linked.said(sent)
    inbox = await own_world.inbox()

    async def stored() -> Row | None:
        (file,) = await inbox.rows(
            linked.app, "wa_attachments", "*", {"message_id": message["id"]}
        )
        return file if file["state"] == "stored" else None

    file = await linked.app.until(stored)
    opened = await inbox.file(linked.app, file["storage_path"])
    assert opened["sha256"] == hashlib.sha256(film).hexdigest()
    assert media.sent < len(film) + 2 * MEGABYTE


async def on_disk(world: World, least: int) -> bool | None:
    parts = world.connector.data_folder.glob("sessions/*/media/*.part")
    return any(part.stat().st_size > least for part in parts) or None
