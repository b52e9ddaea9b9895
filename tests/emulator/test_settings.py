"""App state: what the phone's owner saved, on the phone and on the client."""

from __future__ import annotations

from pathlib import Path

from devstack.whatsapp import Person, WhatsApp
from tests.emulator.client import neonize_jid
from tests.emulator.eventually import eventually
from tests.emulator.linked import Linked, linked


async def test_contacts_come_as_a_snapshot_and_then_one_by_one(
    whatsapp: WhatsApp, bob: Person, carla: Person, tmp_path: Path
) -> None:
    eva = whatsapp.person("5551966666666", "Eva")
    eva.phone.saves_contact(bob, "Bob Before")

    async with linked(whatsapp, eva, tmp_path) as linked_eva:
        await knows_as(linked_eva, bob, "Bob Before")
        eva.phone.saves_contact(carla, "Carla After")
        await knows_as(linked_eva, carla, "Carla After")
        eva.phone.saves_contact(bob, "Bob After")
        await knows_as(linked_eva, bob, "Bob After")


async def test_a_name_set_on_the_client_reaches_the_phone(
    whatsapp: WhatsApp, ana: Linked
) -> None:
    changed = ana.person.phone.settings_changed
    # Its own name is the sign that the client has the key to settings.
    await eventually(lambda: ana.client.call("get_me"), lambda me: me.PushName)

    await ana.client.call("set_profile_name", "Ana Maria")

    await whatsapp.until(lambda: bool(changed))
    assert changed[-1].index == ["setting_pushName"]
    assert changed[-1].value.pushNameSetting.name == "Ana Maria"


async def knows_as(linked: Linked, person: Person, name: str) -> None:
    jid = neonize_jid(person.jid)
    await eventually(
        lambda: linked.client.call("contact.get_contact", jid),
        lambda contact: contact.FullName == name,
    )
