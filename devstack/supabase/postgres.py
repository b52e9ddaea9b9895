"""An embedded Postgres 17 as a child process: no root, no Docker, no network.

It listens on 127.0.0.1 only, on a port that stays the same for the life of the object,
and asks for passwords, since other people may share the machine.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from devstack.supabase.bootstrap import bootstrap
from devstack.supabase.cluster import Cluster
from devstack.supabase.leftovers import end_leftover
from devstack.supabase.possession import Possession
from devstack.supabase.processes import Child, ChildEnded, end_of, free_port
from devstack.supabase.server import Server

START_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.01
READY_LINE = 7  # of postmaster.pid, from 0: "ready" once connections are taken

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "wal_level": "logical",
    "max_connections": "100",
    "max_replication_slots": "20",
    "max_wal_senders": "10",
    "shared_buffers": "64MB",
    "jit": "off",
    "log_min_messages": "warning",
    # Statements and details carry people's data: neither belongs in a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# Survives a crash of Postgres, not one of the machine: commits still reach the kernel.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class Postgres(Server):
    """`start`, `stop` and `kill` may follow one another in any order."""

    def __init__(
        self,
        directory: Path,
        *,
        durable: bool = False,
        port: int | None = None,
        like: Path | None = None,
    ) -> None:
        """`durable=False` trades safety against power failure for speed.

        `port` is used if it is free, otherwise another is found. A new one begins as a
        copy of the one in the folder `like`, which must have been stopped.
        """
        self.cluster = Cluster.prepare(directory)
        self._like = Cluster.prepare(like) if like else None
        self.port = port or 0
        self._durable = durable
        self._bootstrapped = False
        self._child: Child | None = None
        self._possession = Possession(self.cluster.lock)

    def url(self, role: str = "postgres", database: str = "postgres") -> str:
        password = self.cluster.password
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    async def start(self) -> None:
        """Return when connections are taken.

        Raises ChildEnded with the end of the log, or DirectoryInUse.
        """
        if self._child is not None and self._child.running:
            return
        self._possession.take()
        async with asyncio.timeout(START_SECONDS):
            await end_leftover(self.cluster.data)
            if not self.cluster.initialised:
                await self._initialise()
            await self._serve()
        if not self._bootstrapped:
            await bootstrap(self.admin_url, self.cluster.password)
            self._bootstrapped = True

    async def stop(self) -> None:
        """Disconnect everybody, write everything, end."""
        if self._child is not None:
            await self._child.stop(signal.SIGINT, STOP_SECONDS)
        self._possession.release()

    async def kill(self) -> None:
        """End it as a crash would: what was committed must still be there."""
        if self._child is not None:
            await self._child.kill()

    async def _initialise(self) -> None:
        self.cluster.clear_data()
        if self._like is None:
            await self._initdb()
        else:
            await self.cluster.copy(self._like)
        self.cluster.mark_initialised()

    async def _initdb(self) -> None:
        initdb = await self._launch(
            "initdb",
            "--pgdata",
            str(self.cluster.data),
            "--username=supabase_admin",
            f"--pwfile={self.cluster.password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            *await self._locale(),
            "--no-sync",
        )
        if await initdb.wait() != 0:
            raise ChildEnded(f"initdb failed: {end_of(self.cluster.log)}")

    async def _locale(self) -> Sequence[str]:
        """Unicode case rules that do not depend on what the machine has installed."""
        version = await asyncio.create_subprocess_exec(
            self.cluster.binaries / "postgres",
            "--version",
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await version.communicate()
        major = int(output.split()[2].split(b".")[0])
        builtin = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        return (*(builtin if major >= 17 else ()), "--locale=C.UTF-8")  # noqa: PLR2004

    async def _serve(self) -> None:
        """Try again while a crashed predecessor's memory, or its port, is in use."""
        while True:
            self.port = free_port(self.port)
            self._child = await self._launch("postgres", *self._arguments())
            if await self._ready(self._child):
                return
            log = end_of(self.cluster.log)
            if "shared memory block" not in log and "Address already in use" not in log:
                raise ChildEnded(f"Postgres did not start: {log}")
            await asyncio.sleep(POLL_SECONDS)

    def _arguments(self) -> list[str]:
        settings = SETTINGS | ({} if self._durable else NOT_DURABLE)
        arguments = ["-D", str(self.cluster.data), "-p", str(self.port)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        return arguments

    async def _ready(self, child: Child) -> bool:
        """Postgres itself notes in postmaster.pid when it takes connections."""
        status = self.cluster.data / "postmaster.pid"
        while child.running:
            with suppress(FileNotFoundError, IndexError, ValueError):
                # Bytes: it names our folder, whose owner may be called João.
                lines = status.read_bytes().split(b"\n")
                if lines[READY_LINE].strip() == b"ready" and int(lines[0]) == child.pid:
                    return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def _launch(self, program: str, *arguments: str) -> Child:
        with self.cluster.log.open("ab") as log:
            return await Child.launch(
                [str(self.cluster.binaries / program), *arguments],
                log=log,
                user=self.cluster.user,
                # A fast shutdown, should we be gone: open transactions are rolled back.
                stop_signal=signal.SIGINT,
            )
