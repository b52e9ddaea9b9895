"""The zygote: a small process that forks workers, so that they share its memory.

It is forked from the main process before any thread or event loop exists, imports once
what neonize would import in every worker, and stays single-threaded. Each worker loads
the Go library after its own fork: Go's threads do not survive one.

    {"spawn": id} + descriptor  fork a worker that takes commands from the descriptor
    {"kill": id}                kill -9, whatever it is doing
    -> {"exited": id, "code"}   reaped; negative codes are signals
    end of requests             the main process is gone: workers stop in order by
                                themselves (their commands end too), the rest is killed
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from typing import Any, Final

from connector.adapters.whatsapp.process import worker
from connector.adapters.whatsapp.process.frames import (
    Decoder,
    Frame,
    FrameBroken,
    encode,
)
from connector.adapters.whatsapp.process.orders import ExitCode
from connector.adapters.whatsapp.protobufs import events

GRACE_SECONDS: Final = 6.0  # a worker's own planned stop takes less
_READ_SIZE: Final = 64 * 1024
_FIRST_DESCRIPTOR: Final = 3
# What neonize.client imports. Only memory and time depend on this list being complete.
_SHARED: Final = (
    "PIL.Image",
    "PIL.ImageSequence",
    "httpx",
    "linkpreview",
    "magic",
    "phonenumbers",
    "requests",
    "segno",
    "tqdm",
    "concurrent.futures.process",
)


def serve(requests: socket.socket) -> None:
    """Fork and reap workers until the main process is gone."""
    _close_everything_but(requests)
    with contextlib.suppress(PermissionError):  # already leads a group
        os.setsid()  # Ctrl-C is for the main process alone
    _preload()
    _Nursery(requests).run()


def _close_everything_but(kept: socket.socket) -> None:
    """Let go of what a fork inherits: a lock or socket must not outlive its owner."""
    os.closerange(_FIRST_DESCRIPTOR, kept.fileno())
    os.closerange(kept.fileno() + 1, os.sysconf("SC_OPEN_MAX"))


def _preload() -> None:
    _ = events.Message()  # the generated modules came with the import above
    for name in _SHARED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    # A collection in a worker would touch, and so copy, every shared page.
    gc.freeze()


class _Nursery:
    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._decoder = Decoder()
        self._descriptors: list[int] = []
        self._names: dict[int, str] = {}
        self._died = _ChildSignal()

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._requests, selectors.EVENT_READ)
            selector.register(self._died.reader, selectors.EVENT_READ)
            open_ended = True
            while open_ended:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._requests in ready:
                    open_ended = self._take_requests()
                self._died.clear()
                self._reap()
        self._wait_for_the_rest()

    def _take_requests(self) -> bool:
        """Answer what has arrived; False once there is nobody left to answer."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._requests, _READ_SIZE, 64)
        except ConnectionError:
            return False
        self._descriptors += descriptors
        try:
            for frame in self._decoder.feed(data):
                self._answer(frame)
        except FrameBroken:
            traceback.print_exc()
            return False
        return bool(data)

    def _answer(self, frame: Frame) -> None:
        match frame.header:
            case {"spawn": str(name)} if self._descriptors:
                self._spawn(name, self._descriptors.pop(0))
            case {"spawn": str(name)}:
                # We have as many files open as we may, so the kernel has dropped it.
                self._tell({"exited": name, "code": ExitCode.NOT_BORN})
            case {"kill": str(name)}:
                self._kill(name)
            case _:
                raise FrameBroken("not a request")

    def _spawn(self, name: str, descriptor: int) -> None:
        commands = socket.socket(fileno=descriptor)
        try:
            pid = os.fork()
        except OSError:
            commands.close()
            self._tell({"exited": name, "code": ExitCode.NOT_BORN})
            return
        if pid == 0:
            self._become_worker(commands)
        commands.close()
        self._names[pid] = name

    def _become_worker(self, commands: socket.socket) -> None:
        code: int = ExitCode.FAILED
        try:
            self._died.restore()
            # Among them requests' other descriptors: a worker's commands only end when
            # nobody else holds them.
            _close_everything_but(commands)
            code = worker.run(commands)
        except Exception:  # noqa: BLE001 - a forked child must never return
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _kill(self, name: str) -> None:
        for pid, known in self._names.items():
            if known == name:
                os.kill(pid, signal.SIGKILL)  # not reaped yet, so the pid is still its

    def _reap(self) -> None:
        while self._names:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            self._tell({"exited": self._names.pop(pid), "code": code})

    def _tell(self, header: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # nobody is left who would want to know
            self._requests.sendall(encode(Frame(header)))

    def _wait_for_the_rest(self) -> None:
        deadline = time.monotonic() + GRACE_SECONDS
        while self._names and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.02)
        for pid in self._names:
            os.kill(pid, signal.SIGKILL)
        while self._names:
            self._names.pop(os.waitpid(-1, 0)[0], None)


class _ChildSignal:
    """Makes the death of a child readable."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.settimeout(0)
        self._writer.settimeout(0)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends by losing its parent

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.reader.recv(_READ_SIZE):
                pass

    def restore(self) -> None:
        """In a worker: behave as if none of this had been set."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
