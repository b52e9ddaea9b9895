"""What a worker does besides sending and asking: uploads, ticks, signs of typing."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from connector.adapters.whatsapp.process import worker_handle
from connector.domain.addresses import Jid
from connector.domain.outgoing import MediaKind, OutgoingRead, OutgoingText, Typing
from connector.errors import NotConnected, UploadFailed
from tests.contract.talking_number import World, address, talking_number
from tests.emulator.eventually import eventually

pytestmark = pytest.mark.xdist_group("whatsapp-worker")


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with talking_number(tmp_path_factory.mktemp("errands")) as world:
        yield world


@pytest.fixture(params=["a person", "a group"])
def to(world: World, request: pytest.FixtureRequest) -> Jid:
    chat = world.family if request.param == "a group" else world.bob
    return address(chat.jid)


async def test_a_file_too_large_for_one_frame_is_uploaded_whole(world: World) -> None:
    plain = os.urandom(17 * 1024 * 1024 + 1)

    uploaded = await world.uploaded(plain, MediaKind.DOCUMENT)

    assert uploaded.size == len(plain)
    assert uploaded.file_sha256 == hashlib.sha256(plain).digest()
    blob = world.whatsapp.media.get(uploaded.direct_path)
    assert uploaded.file_enc_sha256 == hashlib.sha256(blob).digest()


async def test_the_memory_of_a_large_file_is_given_back(world: World) -> None:
    plain = os.urandom(24 * 1024 * 1024)
    await world.uploaded(b"what an upload needs besides", MediaKind.VIDEO)
    before = world.private_memory()

    await world.uploaded(plain, MediaKind.VIDEO)

    # neonize held it three times over, and Go would keep that for minutes.
    async def kept() -> int:
        return world.private_memory() - before

    await eventually(kept, lambda size: size < len(plain))


@pytest.mark.parametrize("status", [413, 500])
async def test_a_file_that_is_not_taken_can_be_tried_again(
    world: World, status: int
) -> None:
    world.whatsapp.media.fail_next_upload(status)
    with pytest.raises(UploadFailed):
        await world.uploaded(b"a file", MediaKind.IMAGE)

    assert (await world.uploaded(b"a file", MediaKind.IMAGE)).size == 6


async def test_a_file_that_is_gone_or_cut_is_not_uploaded(world: World) -> None:
    before = len(world.whatsapp.media.uploads)
    gone, cut = world.sealed(b"gone", "image"), world.sealed(b"cut short", "image")
    gone.path.unlink()
    cut.path.write_bytes(cut.path.read_bytes()[:-1])
    longer = replace(world.sealed(b"longer", "image"), size=3)

    for file in (gone, cut, longer):
        with pytest.raises(UploadFailed):
            await world.worker.upload(file)

    assert len(world.whatsapp.media.uploads) == before


async def test_an_upload_that_hangs_holds_up_nothing_and_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_handle, "UPLOAD_SECONDS", 0.5)
    held = world.whatsapp.media.hold_next_upload()
    hanging = asyncio.create_task(world.uploaded(b"hanging", MediaKind.IMAGE))
    await held.reached.wait()

    await world.send(address(world.bob.jid), OutgoingText(text="meanwhile"))
    await world.worker.show_typing(address(world.bob.jid), Typing.TYPING)
    assert (await world.bob.sees_typing()).doing == "typing"
    with pytest.raises(UploadFailed):
        await hanging

    monkeypatch.undo()
    await world.uploaded(b"another", MediaKind.IMAGE)  # although the first still hangs
    held.let_go.set()


async def test_messages_are_read_by_their_senders(world: World) -> None:
    said = [await world.bob.says(world.ana, text) for text in ("one", "two")]
    bob = address(world.bob.lid)
    ids = tuple(one.whatsapp_id for one in said)

    await world.worker.mark_read(OutgoingRead(chat=bob, sender=bob, whatsapp_ids=ids))

    for one in said:
        assert (await world.bob.was_read(one)).message_ids == ids


async def test_messages_of_a_group_are_read_one_sender_at_a_time(world: World) -> None:
    said = await world.carla.says(world.family, "hello all")
    read = OutgoingRead(
        chat=address(world.family.jid),
        sender=address(world.carla.lid),
        whatsapp_ids=(said.whatsapp_id,),
    )

    await world.worker.mark_read(read)
    await world.worker.mark_read(read)  # twice is once

    receipt = await world.carla.was_read(said)
    assert (receipt.to, receipt.participant) == (world.family.jid, world.carla.lid)


async def test_typing_is_shown_and_ends(world: World, to: Jid) -> None:
    seen = []
    for typing in Typing:
        await world.worker.show_typing(to, typing)
        seen.append(await world.bob.sees_typing())

    assert [sign.doing for sign in seen] == [typing.value for typing in Typing]
    assert {sign.person for sign in seen} == {world.ana}
    assert seen[0].chat is (world.family if to.is_group else world.ana)


async def test_nothing_is_done_without_a_connection(world: World) -> None:
    """The last one: it takes the connection away."""
    bob = address(world.bob.lid)
    await world.worker.disconnect()

    with pytest.raises(NotConnected):
        await world.uploaded(b"a file", MediaKind.IMAGE)
    with pytest.raises(NotConnected):
        await world.worker.mark_read(
            OutgoingRead(chat=bob, sender=bob, whatsapp_ids=("3EB0",))
        )
    with pytest.raises(NotConnected):
        await world.worker.show_typing(bob, Typing.TYPING)
