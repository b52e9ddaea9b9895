"""The connector as a child process, started, stopped and killed like on a real machine."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from devstack.supabase.processes import LAUNCHER

# DESIGN: a planned stop takes at most ten seconds; twice that means it hangs.
STOP_DEADLINE: Final = 20.0
# Between an end and the next start: doubled while it does not stay up.
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def new_state_key() -> str:
    """A fresh WA_STATE_KEY: 32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass
class ConnectorProcess:
    """`python -m connector run` with its settings, data folder and log file."""

    directory: Path
    settings: Mapping[str, str]
    state_key: str = field(default_factory=new_state_key)
    prefix: Sequence[str] = ()  # a command that becomes it, under limits of its own
    _process: asyncio.subprocess.Process | None = None

    @property
    def log_file(self) -> Path:
        return self.directory / "connector.log"

    @property
    def data_folder(self) -> Path:
        return self.directory / "data"

    @property
    def pid(self) -> int:
        return self._running().pid

    def worker_pid(self, session_id: str) -> int:
        """The process that runs this number. Raises LookupError when there is none."""
        return _holder_of(self.data_folder / "sessions" / session_id / "lock")

    async def start(self) -> None:
        self.data_folder.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                # It ends with us, also when we are killed; Ctrl-C in a terminal reaches
                # us alone, who stop it in order.
                *self.prefix,
                *(sys.executable, "-I", "-S", str(LAUNCHER), "--"),
                *(sys.executable, "-m", "connector", "run"),
                start_new_session=True,
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def stop(self) -> int:
        """Planned stop by SIGTERM; the exit code. Raises TimeoutError when it hangs."""
        process = self._running()
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_DEADLINE):
            return await process.wait()

    async def kill(self) -> None:
        """End it as a power cut would."""
        process = self._running()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def wait(self) -> int:
        return await self._running().wait()

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run another command of the connector's on its data folder: code and output."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "connector", *arguments),
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    async def keep_running(self, say: Callable[[str], None]) -> None:
        """Start it again whenever it ends, as a machine would; until cancelled."""
        clock = asyncio.get_running_loop().time
        pause = FIRST_PAUSE
        while True:
            started = clock()
            code = await self.wait()
            lasted = clock() - started > LONGEST_PAUSE
            pause = FIRST_PAUSE if lasted else min(2 * pause, LONGEST_PAUSE)
            say(
                f"The connector ended with code {code}; it starts again in {pause:g} s."
                f" Its last words are in {self.log_file}"
            )
            await asyncio.sleep(pause)
            await self.start()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def close(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        if not self.running:
            return
        try:
            await self.stop()
        except TimeoutError:
            await self.kill()

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the connector was never started")
        return self._process

    def _environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name.upper() not in _PROXIES
        }
        own = {
            "WA_STATE_KEY": self.state_key,
            "WA_DATA_DIR": str(self.data_folder),
            "WA_METRICS_PORT": "off",  # several run on one machine
        }
        return inherited | own | dict(self.settings)


def _holder_of(lock: Path) -> int:
    """The process that holds a lock, from the kernel's table of locks."""
    if lock.exists():
        inode = lock.stat().st_ino
        for line in Path("/proc/locks").read_text("ascii").splitlines():
            parts = line.split()
            # A blocked waiter's line has an arrow after its number.
            if parts[1] != "->" and parts[5].rpartition(":")[2] == str(inode):
                return int(parts[4])
    raise LookupError("nobody holds the lock")
