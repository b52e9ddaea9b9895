"""What only time shows, watched from the first test on: half a minute beside the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.whatsapp import WhatsApp
from tests.emulator.client import Neonize, running_client
from tests.emulator.linked import linked

LAST_CODE_EXPIRES = 20.0  # seconds after it was shown
SILENCE_IS_NOTICED = 31.0  # seconds after the server's last word
ON_A_BUSY_MACHINE = 45.0  # seconds more


@dataclass(frozen=True, slots=True)
class LongWaits:
    """`unscanned`: the login status after a QR code that nobody scanned.

    `unanswered`: the event when the server is silent although the connection stands.
    """

    unscanned: asyncio.Task[str]
    unanswered: asyncio.Task[Neonize.KeepAliveTimeout]


@asynccontextmanager
async def begun(folder: Path) -> AsyncIterator[LongWaits]:
    async with WhatsApp.start(folder) as whatsapp:
        whatsapp.qr_refs = 1
        waits = LongWaits(
            asyncio.create_task(_unscanned(whatsapp, folder / "unscanned")),
            asyncio.create_task(_unanswered(whatsapp, folder / "unanswered")),
        )
        tasks: list[asyncio.Task[object]] = [waits.unscanned, waits.unanswered]
        try:
            yield waits
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _unscanned(whatsapp: WhatsApp, folder: Path) -> str:
    async with running_client(whatsapp.environment, folder / "store.db") as client:
        await client.qr()
        return await client.login_status(LAST_CODE_EXPIRES + ON_A_BUSY_MACHINE)


async def _unanswered(whatsapp: WhatsApp, folder: Path) -> Neonize.KeepAliveTimeout:
    eva = whatsapp.person("5551977777777", "Eva")
    async with linked(whatsapp, eva, folder) as silenced:
        silenced.device.freeze()
        return await silenced.client.event(
            Neonize.KeepAliveTimeout, within=SILENCE_IS_NOTICED + ON_A_BUSY_MACHINE
        )
