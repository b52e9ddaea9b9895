from __future__ import annotations

from pathlib import Path

import pytest

from devstack.whatsapp import Fault, PairingRefused, UnknownCode, WhatsApp
from tests.emulator.client import Neonize, plain, running_client
from tests.emulator.linked import Linked, resumed


async def test_a_scanned_code_links_the_client_which_then_logs_in(
    whatsapp: WhatsApp, tmp_path: Path
) -> None:
    eva = whatsapp.person("5551911111111", "Eva")

    async with running_client(whatsapp.environment, tmp_path / "store.db") as client:
        device = await eva.phone.scans(await client.qr())
        paired = await client.event(Neonize.PairStatus)
        await client.event(Neonize.Connected)

        assert plain(paired.ID) == device.jid
        assert device.keys is not None
        assert len(device.keys.one_time) > 5
        assert device.is_connected


async def test_a_typed_code_links_as_well(whatsapp: WhatsApp, tmp_path: Path) -> None:
    eva = whatsapp.person("5551922222222", "Eva")

    async with running_client(whatsapp.environment, tmp_path / "store.db") as client:
        await client.qr()
        code = await client.call("PairPhone", eva.number, True)  # noqa: FBT003 - neonize's: show a notification
        await eva.phone.enters(code)
        await client.event(Neonize.Connected)

    assert len(eva.linked_devices) == 1


async def test_a_mistyped_code_links_nothing(
    whatsapp: WhatsApp, tmp_path: Path
) -> None:
    eva = whatsapp.person("5551933333333", "Eva")

    async with running_client(whatsapp.environment, tmp_path / "store.db") as client:
        await client.qr()
        code = await client.call("PairPhone", eva.number, True)  # noqa: FBT003 - the same
        wrong = code[:-1] + ("1" if code[-1] != "1" else "2")
        with pytest.raises(PairingRefused):
            await eva.phone.enters(wrong)

    assert eva.linked_devices == []


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_client_does_not_believe_a_phone_it_cannot_verify(
    whatsapp: WhatsApp, tmp_path: Path, fault: Fault
) -> None:
    eva = whatsapp.person(f"55519444444{len(fault)}", "Eva")

    async with running_client(whatsapp.environment, tmp_path / "store.db") as client:
        with pytest.raises(PairingRefused):
            await eva.phone.scans(await client.qr(), fault)
        assert await client.login_status() != "success"

    assert eva.linked_devices == []


async def test_a_code_nobody_shows_is_unknown(
    whatsapp: WhatsApp, ana: Linked, tmp_path: Path
) -> None:
    async with running_client(whatsapp.environment, tmp_path / "store.db") as client:
        code = await client.qr()
        with pytest.raises(UnknownCode):
            await ana.person.phone.scans(code.replace("#2@", "#2@another"))


async def test_a_client_that_died_resumes_without_a_code(
    whatsapp: WhatsApp, dora: Linked
) -> None:
    await dora.client.kill()

    async with resumed(whatsapp, dora) as client:
        await client.event(Neonize.Connected)
        me = await client.call("get_me")

    assert plain(me.JID) == dora.device.jid
    assert dora.person.linked_devices == [dora.device]


async def test_one_store_holds_two_accounts(whatsapp: WhatsApp, dora: Linked) -> None:
    eva = whatsapp.person("5551955555555", "Eva")

    async with running_client(
        whatsapp.environment, dora.store, new_device=True
    ) as client:
        await eva.phone.scans(await client.qr())
        await client.event(Neonize.Connected)

    assert dora.device.is_connected
