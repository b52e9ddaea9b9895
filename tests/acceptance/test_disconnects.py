"""Every way WhatsApp ends a connection, and what the row then says."""

from __future__ import annotations

import pytest

from devstack.whatsapp import Failure
from tests.acceptance.world import Linked, World


@pytest.mark.parametrize("ending", ["tcp", "close", "503", "515"])
async def test_a_passing_end_is_healed_without_anybody(
    linked: Linked, ending: str
) -> None:
    logins = linked.device.logins

    match ending:
        case "tcp":
            linked.device.drop()
        case "close":
            linked.device.close()
        case code:
            linked.device.stream_error(int(code))
    await linked.world.stage.whatsapp.until(lambda: linked.device.logins > logins)
    await linked.session_is("connected")

    await linked.still_works()


# What a refused login leads to: state, code, who must act, and whether the keys are gone.
REFUSED = [
    (Failure(401), "logged_out", "unlinked", "scan_qr"),
    (Failure(403), "logged_out", "main_device_gone", "scan_qr"),
    (Failure(406), "logged_out", "unknown_logout", "scan_qr"),
    (Failure(402, code=101, expire=3600), "banned", "temporary_ban", "wait"),
    (Failure(405), "outdated", "client_outdated", "update_connector"),
    (Failure(409), "failed", "connect_failure", "contact_support"),
]


@pytest.mark.parametrize(("failure", "state", "code", "action"), REFUSED)
async def test_a_login_refused_for_good_is_said_and_not_repeated(
    linked: Linked, failure: Failure, state: str, code: str, action: str
) -> None:
    linked.owner.login_failure = failure

    linked.device.drop()
    row = await linked.session_is(state)
    logins = linked.device.logins

    assert (row["state_code"], row["user_action"]) == (code, action)
    assert row["state_message"]
    if state == "banned":
        assert row["paused_until"] is not None
    assert linked.device.logins == logins


@pytest.mark.parametrize("reason", [500, 503])
async def test_a_login_refused_for_now_is_tried_again(
    linked: Linked, reason: int
) -> None:
    linked.owner.login_failure = Failure(reason)

    linked.device.drop()
    await linked.passes("reconnecting")
    linked.owner.login_failure = None
    await linked.session_is("connected", within=60)

    await linked.still_works()


async def test_a_number_unlinked_on_the_phone_asks_for_a_new_scan(
    linked: Linked,
) -> None:
    linked.owner.phone.unlinks(linked.device)
    row = await linked.session_is("logged_out")
    await linked.wants("connected")
    code = await linked.app.qr_shown(linked.session_id)
    await linked.owner.phone.scans(code)
    await linked.session_is("connected")

    assert row["user_action"] == "scan_qr"
    assert len(linked.owner.linked_devices) == 1


async def test_a_copy_of_the_keys_elsewhere_raises_an_alarm_and_no_fight(
    linked: Linked,
) -> None:
    logins = linked.device.logins

    linked.device.replaced()
    row = await linked.session_is("replaced")

    async def alarm() -> bool:
        query = linked.app.client.table("wa_events").select("code, level")
        return {"code": "replaced", "level": "error"} in (await query.execute()).data

    await linked.app.until(alarm)
    assert row["user_action"] == "contact_support"
    assert linked.device.logins == logins


async def test_an_unreachable_whatsapp_is_said_and_tried_until_it_is_back(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    whatsapp = own_world.stage.whatsapp

    whatsapp.refuse_connections()
    linked.device.drop()
    row = await linked.passes("reconnecting")
    whatsapp.accept_connections()
    await linked.session_is("connected", within=60)

    assert row["user_action"] == "wait"
    await linked.still_works()


async def test_a_refusal_outlives_the_connector_that_met_it(own_world: World) -> None:
    linked = await own_world.linked()
    linked.owner.phone.unlinks(linked.device)
    await linked.session_is("logged_out")

    await own_world.connector.stop()
    await own_world.connector.start()
    other = await own_world.linked()
    at_rest = await linked.session()
    await linked.wants("connected")
    code = await linked.app.qr_shown(linked.session_id)

    # The connector was at work again, and showed no QR that nobody had asked for.
    assert other.device.is_connected
    assert (at_rest["state"], at_rest["qr_code"]) == ("logged_out", None)
    assert code
