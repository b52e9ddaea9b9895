"""What a worker does by itself when nobody can say whether its number is still its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.adapters.whatsapp.process.orders import ExitCode
from connector.clock import monotonic
from connector.ports import Signal
from devstack.whatsapp import WhatsApp
from tests.contract.linked_number import KEY, ROOMY, Number, zygote_program

pytestmark = pytest.mark.xdist_group("whatsapp-worker")


async def test_a_worker_that_may_not_log_in_ends_before_it_dials_again(
    tmp_path: Path,
) -> None:
    async with WhatsApp.start(tmp_path / "whatsapp") as whatsapp:
        ana = whatsapp.person("5511912345678", "Ana")
        bob = whatsapp.person("5521987654321", "Bob")
        with zygote_program(whatsapp.environment) as (zygote, _):
            launcher = WhatsAppLauncher(zygote, tmp_path / "data", [KEY], ROOMY)
            number = Number(whatsapp, ana, launcher, "session-1")
            running = await number.link()
            device = number.device
            await running.worker.may_log_in(monotonic() + 600)
            device.drop()
            await running.event(Signal.CONNECTED)
            logins = device.logins

            await running.worker.may_log_in(monotonic())
            await running.worker.ping()
            await bob.says(ana, "just before")
            await device.has_everything()
            device.drop()

            assert await running.ended() == ExitCode.MAY_NOT_LOG_IN
            assert running.said[-2].signal is Signal.DISCONNECTED
            assert device.logins == logins
            assert "just before" in await number.texts()
            launcher.close()
