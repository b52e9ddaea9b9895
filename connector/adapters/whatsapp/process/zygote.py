"""The main process's handle on the zygote (zygote_process.py)."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import traceback
from typing import Final, Self

from connector.adapters.whatsapp.process.frames import (
    Decoder,
    Frame,
    FrameBroken,
    encode,
)
from connector.adapters.whatsapp.process.orders import ExitCode
from connector.adapters.whatsapp.process.zygote_process import serve
from connector.errors import WorkerGone

KILLED: Final = -9
_READ_SIZE: Final = 64 * 1024


class Zygote:
    """Spawns and kills workers; everything but `start` belongs to one event loop."""

    def __init__(self, requests: socket.socket, pid: int = 0) -> None:
        """Speak to a zygote, the process `pid`, that serves the other end of `requests`."""
        requests.settimeout(0)
        self.pid = pid
        self._requests = requests
        self._decoder = Decoder()
        self._workers: dict[str, asyncio.Future[int]] = {}
        self._listening = False
        self._gone = asyncio.Event()
        self._next = 0

    @classmethod
    def start(cls) -> Self:
        """Fork the zygote. To be called before any thread or event loop exists."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            _be_zygote(theirs)
        theirs.close()
        return cls(ours, pid)

    async def spawn(self, commands: socket.socket) -> SpawnedWorker:
        """Fork a worker that takes commands from the other end of `commands`.

        Raises WorkerGone when the zygote is gone.
        """
        self._listen()
        self._next += 1
        name = str(self._next)
        exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._workers[name] = exited
        self._request({"spawn": name}, [commands.fileno()])
        return SpawnedWorker(self, name, exited)

    def kill(self, name: str) -> None:
        if name in self._workers:
            self._request({"kill": name}, [])

    @property
    def is_gone(self) -> bool:
        return self._gone.is_set()

    async def wait_gone(self) -> None:
        """Until the zygote has died: nothing can be launched any more."""
        self._listen()
        await self._gone.wait()

    def close(self) -> None:
        """Let the zygote go: its workers stop in order, then it exits."""
        if self._listening:
            asyncio.get_running_loop().remove_reader(self._requests)
            self._listening = False
        self._end()
        self._requests.close()

    def _listen(self) -> None:
        if not self._listening and not self._gone.is_set():
            self._listening = True
            asyncio.get_running_loop().add_reader(self._requests, self._readable)

    def _request(self, header: dict[str, str], descriptors: list[int]) -> None:
        if self._gone.is_set():
            raise WorkerGone
        try:
            socket.send_fds(self._requests, [encode(Frame(header))], descriptors)
        except OSError as error:  # also when it has stopped reading: as good as dead
            raise WorkerGone from error

    def _readable(self) -> None:
        try:
            data = self._requests.recv(_READ_SIZE)
            for frame in self._decoder.feed(data):
                self._exited(frame)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, FrameBroken):
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._requests)
            self._end()

    def _exited(self, frame: Frame) -> None:
        exited = self._workers.pop(frame.header["exited"], None)
        if exited is not None and not exited.done():
            exited.set_result(int(frame.header["code"]))

    def _end(self) -> None:
        """The kernel kills the workers of a dead zygote (PR_SET_PDEATHSIG)."""
        self._gone.set()
        for exited in self._workers.values():
            if not exited.done():
                exited.set_result(ExitCode.ORPHANED)
        self._workers.clear()


class SpawnedWorker:
    """One forked process."""

    def __init__(self, zygote: Zygote, name: str, exited: asyncio.Future[int]) -> None:
        self._zygote = zygote
        self._name = name
        self._exited = exited

    async def exit_code(self) -> int:
        """Wait until the process is reaped; a negative code is a signal."""
        return await asyncio.shield(self._exited)

    def kill(self) -> None:
        """End it at once. Raises WorkerGone when the zygote is gone."""
        self._zygote.kill(self._name)


def _be_zygote(requests: socket.socket) -> None:
    code = 1
    try:
        serve(requests)
        code = 0
    except BaseException:  # noqa: BLE001 - a forked child must never return
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
