"""A worker that does not answer: what may still happen in it must not happen later."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from connector.adapters.whatsapp.process import worker_handle
from connector.adapters.whatsapp.process.frames import (
    AsyncChannel,
    Frame,
    encode,
)
from connector.adapters.whatsapp.process.orders import ExitCode
from connector.adapters.whatsapp.process.worker_handle import WorkerHandle
from connector.adapters.whatsapp.process.zygote import SpawnedWorker
from connector.domain.addresses import Jid
from connector.domain.outgoing import OutgoingMessage, OutgoingText
from connector.errors import SendUncertain, UploadFailed
from connector.ports import SealedFile, SessionId, Signal, WorkerEvent

BOB = Jid("1", "lid")


class StuckProcess:
    """Holds its end of the socket and says nothing until it is killed."""

    def __init__(self, commands: socket.socket) -> None:
        self._commands = commands
        self._commands.settimeout(0)
        self._ended = asyncio.Event()
        self.code = -9

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    def rings(self) -> None:
        self._commands.sendall(encode(Frame({"signal": "spooled"})))

    async def told(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self._commands, 1_000)

    def kill(self) -> None:
        self._commands.close()
        self._ended.set()

    async def exit_code(self) -> int:
        await self._ended.wait()
        return self.code


@pytest.fixture
async def stuck() -> AsyncIterator[tuple[WorkerHandle, StuckProcess]]:
    ours, theirs = socket.socketpair()
    process = StuckProcess(theirs)
    channel = await AsyncChannel.over(ours)
    handle = WorkerHandle(SessionId("s"), cast("SpawnedWorker", process), channel)
    yield handle, process
    await handle.kill()


async def test_a_send_that_is_not_answered_cannot_happen_after_it_was_given_up(
    stuck: tuple[WorkerHandle, StuckProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, process = stuck
    monkeypatch.setattr(worker_handle, "SEND_SECONDS", 0.01)

    with pytest.raises(SendUncertain):
        await handle.send(
            BOB, OutgoingMessage(content=OutgoingText(text="oi")), b"s" * 32
        )

    # What the store does not hold by now, it never will.
    assert not process.alive


async def test_a_burst_rings_now_and_then(
    stuck: tuple[WorkerHandle, StuckProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, process = stuck
    events, seen = handle.events(), encode(Frame({"call": "seen"}))

    async with asyncio.timeout(30):
        monkeypatch.setattr(worker_handle, "SECONDS_BETWEEN_RINGS", 3600)
        process.rings()
        first = await anext(events)
        for _ in range(10):
            await asyncio.sleep(0)
        await handle.may_log_in(1.0)
        assert seen not in await process.told()  # it would have come before
        monkeypatch.setattr(worker_handle, "SECONDS_BETWEEN_RINGS", 0)
        process.rings()
        second = await anext(events)

        assert await process.told() == seen
        assert first == second == WorkerEvent(signal=Signal.SPOOLED)


async def test_a_stop_that_had_to_leave_events_is_logged(
    stuck: tuple[WorkerHandle, StuckProcess],
) -> None:
    handle, process = stuck
    process.code = ExitCode.STOP_TIMED_OUT

    with capture_logs() as logs:
        await handle.kill()

    assert ("stop cut short", "s", 13) in [
        (line["event"], line.get("session_id"), line.get("code")) for line in logs
    ]


async def test_an_upload_has_as_much_time_as_its_size_takes(
    stuck: tuple[WorkerHandle, StuckProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small one that hangs keeps all others of the machine waiting."""
    handle, process = stuck
    monkeypatch.setattr(worker_handle, "UPLOAD_SECONDS", 0.001)
    monkeypatch.setattr(worker_handle, "UPLOAD_BYTES_PER_SECOND", 100)

    with pytest.raises(UploadFailed):
        await handle.upload(sealed(size=1))
    large = asyncio.create_task(handle.upload(sealed(size=6_000)))
    await asyncio.wait({large}, timeout=0.05)

    assert not large.done()
    assert process.alive
    large.cancel()


def sealed(size: int) -> SealedFile:
    return SealedFile(path=Path("x"), key=bytes(32), media_type="image", size=size)


async def ended(handle: WorkerHandle) -> WorkerEvent:
    async with asyncio.timeout(30):
        return [event async for event in handle.events()][-1]


async def test_who_killed_a_worker_is_told_apart(
    stuck: tuple[WorkerHandle, StuckProcess],
) -> None:
    handle, _ = stuck

    await handle.kill()

    assert await ended(handle) == WorkerEvent(
        signal=Signal.EXITED, code=ExitCode.GIVEN_UP
    )


async def test_the_kernel_s_kill_is_told_as_it_is(
    stuck: tuple[WorkerHandle, StuckProcess],
) -> None:
    handle, process = stuck

    process.kill()

    assert await ended(handle) == WorkerEvent(signal=Signal.EXITED, code=-9)
