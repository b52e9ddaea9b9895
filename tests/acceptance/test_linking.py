"""A number is linked, seen, unlinked and linked again."""

from __future__ import annotations

import base64

import pytest

from devstack.whatsapp import PairingRefused
from tests.acceptance.world import Linked, World


async def test_a_scanned_qr_links_the_number_and_leaves_the_row(world: World) -> None:
    ana = world.somebody("Ana")
    app = await world.app()

    session_id = await app.adds_number(desired_state="connected")
    code = await app.qr_shown(session_id)
    shown = await app.session(session_id)
    await ana.phone.scans(code)
    connected = await app.session_is(session_id, "connected")

    assert shown["state"] == "pairing"
    assert shown["user_action"] == "scan_qr"
    assert shown["qr_expires_at"] is not None
    picture = str(shown["qr_image"]).removeprefix("data:image/png;base64,")
    assert base64.b64decode(picture).startswith(b"\x89PNG")
    assert connected["phone_number"] == ana.number
    assert connected["lid"] == str(ana.lid)
    assert connected["user_action"] == "none"
    assert (connected["qr_code"], connected["qr_image"]) == (None, None)


async def test_a_pairing_code_links_without_a_camera(world: World) -> None:
    ana = world.somebody("Ana")
    app = await world.app()
    session_id = await app.adds_number(
        desired_state="connected", pairing_phone=ana.number
    )

    async def shown() -> str:
        return str((await app.session(session_id))["pairing_code"] or "")

    await ana.phone.enters(await app.until(shown))
    connected = await app.session_is(session_id, "connected")

    assert connected["phone_number"] == ana.number
    assert connected["pairing_code"] is None


async def test_a_phone_that_proves_nothing_is_refused_and_the_row_says_so(
    world: World,
) -> None:
    mallory = world.somebody("Mallory")
    app = await world.app()
    session_id = await app.adds_number(desired_state="connected")

    with pytest.raises(PairingRefused):
        await mallory.phone.scans(await app.qr_shown(session_id), fault="wrong_hmac")
    failed = await app.session_is(session_id, "failed")

    assert failed["state_code"] == "pairing_failed"
    assert failed["qr_code"] is None
    assert failed["user_action"] == "scan_qr"


async def test_disconnecting_and_connecting_again_needs_no_qr(linked: Linked) -> None:
    await linked.wants("disconnected")
    resting = await linked.session_is("disconnected")
    await linked.device.disconnected()
    bob = linked.world.somebody("Bob")
    await bob.says(linked.owner, "enquanto isso")

    await linked.wants("connected")
    await linked.session_is("connected")
    row = await linked.message("enquanto isso")

    assert resting["state_code"] == "disconnected"
    assert row["source"] == "live"


async def test_logging_out_unlinks_the_device_at_whatsapp(linked: Linked) -> None:
    await linked.wants("logged_out")
    await linked.session_is("logged_out")
    await linked.device.unlinked()

    await linked.wants("connected")
    code = await linked.app.qr_shown(linked.session_id)
    await linked.owner.phone.scans(code)
    await linked.session_is("connected")


async def test_two_numbers_of_two_tenants_see_nothing_of_each_other(
    world: World, linked: Linked
) -> None:
    other = await world.linked()
    bob = world.somebody("Bob")

    await bob.says(linked.owner, "só para a Ana")
    await linked.message("só para a Ana")

    assert await other.app.messages(linked.session_id) == []
    rows = (await other.app.client.table("wa_sessions").select("id").execute()).data
    assert rows == [{"id": other.session_id}]
    await other.wants("disconnected")
