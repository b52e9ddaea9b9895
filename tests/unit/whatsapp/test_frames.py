import asyncio
import contextlib
import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.adapters.whatsapp.process.frames import (
    LARGEST_FRAME,
    AsyncChannel,
    BlockingChannel,
    Decoder,
    Frame,
    FrameBroken,
    encode,
)

FRAMES = st.builds(
    Frame,
    st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=40)),
    st.binary(max_size=300),
)


@settings(max_examples=12)
@given(st.lists(FRAMES, max_size=5), st.integers(1, 40))
def test_frames_survive_being_cut_anywhere(frames: list[Frame], step: int) -> None:
    stream = b"".join(encode(frame) for frame in frames)
    decoder = Decoder()

    received = [
        frame
        for start in range(0, len(stream), step)
        for frame in decoder.feed(stream[start : start + step])
    ]

    assert received == frames


@given(st.binary(max_size=200))
def test_whatever_arrives_is_a_frame_or_a_broken_frame(noise: bytes) -> None:
    with contextlib.suppress(FrameBroken):
        list(Decoder().feed(noise))


def test_a_frame_larger_than_agreed_is_refused_on_both_sides() -> None:
    with pytest.raises(FrameBroken):
        encode(Frame({}, bytes(LARGEST_FRAME)))
    with pytest.raises(FrameBroken):
        list(Decoder().feed(struct.pack(">IH", LARGEST_FRAME + 1, 2)))


@pytest.mark.parametrize("header", [b"[]", b"{", b"\xff", b"[" * 60_000])
def test_a_header_must_be_a_json_object(header: bytes) -> None:
    data = struct.pack(">IH", 2 + len(header), len(header)) + header

    with pytest.raises(FrameBroken):
        list(Decoder().feed(data))


def test_a_frame_does_not_show_its_body_when_printed() -> None:
    assert "secret" not in repr(Frame({}, b"secret"))


async def test_both_ends_speak_and_see_the_other_one_leave() -> None:
    ours, theirs = socket.socketpair()
    channel = await AsyncChannel.over(ours)
    worker = BlockingChannel(theirs)
    heard: list[Frame] = []

    listening = asyncio.create_task(
        asyncio.to_thread(lambda: heard.extend(worker.frames()))
    )
    worker.send(Frame({"event": 17}, b"body"))
    assert await channel.receive() == [Frame({"event": 17}, b"body")]
    await channel.send(Frame({"call": "ping"}))
    await channel.close()
    async with asyncio.timeout(30):
        await listening

    assert heard == [Frame({"call": "ping"})]
    theirs.close()
