"""A child process that can be stopped, killed, frozen and thawed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PORTS = range(20_000, 32_000)
LAUNCHER = Path(__file__).with_name("launch.py")


class ChildEnded(Exception):
    """A child process ended before it was ready; the message ends with its log."""


class Child:
    """One running program; it ends when this process ends (on Linux)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def launch(
        cls,
        command: Sequence[str],
        *,
        log: IO[bytes],
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Child:
        """Start `command` as `user`; its output is appended to `log`."""
        # Isolated and without site-packages: the launcher is up in 15 ms.
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER)]
        launcher += ["--signal", str(int(stop_signal))]
        if user is not None:
            launcher += ["--user", user]
        process = await asyncio.create_subprocess_exec(
            *launcher,
            "--",
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(os.environ) | dict(environment or {}),
            # Ctrl-C in a terminal reaches us alone: we stop our children in order.
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def wait(self) -> int:
        return await self._process.wait()

    async def stop(self, signal_number: signal.Signals, timeout: float) -> None:  # noqa: ASYNC109 - then it is killed, which is no cancellation
        """Ask with `signal_number`; kill after `timeout` seconds. Safe to repeat."""
        if not self.running:
            return
        self.send(signal_number)
        self.send(signal.SIGCONT)
        try:
            async with asyncio.timeout(timeout):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        self.send(signal.SIGKILL)
        await self._process.wait()

    def freeze(self) -> None:
        """Stop answering while every connection stays open."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def send(self, signal_number: signal.Signals) -> None:
        if self.running:
            self._process.send_signal(signal_number)


def free_port(preferred: int | None = None) -> int:
    """A TCP port nobody listens on at 127.0.0.1, the preferred one if it is free.

    Not from the range the kernel gives to outgoing connections: a client that keeps
    trying to reach a stopped server there may take its port, or connect to itself.
    """
    candidates = [preferred] if preferred else []
    candidates += random.sample(PORTS, k=100)
    for candidate in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    raise OSError("There is no free port at 127.0.0.1.")


def end_of(log: Path, characters: int = 1000) -> str:
    """What a program said last, for the error that reports its end."""
    if not log.exists():
        return ""
    return log.read_text("utf-8", errors="replace")[-characters:].strip()
