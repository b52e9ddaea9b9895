"""Every way WhatsApp ends a session, and what neonize makes of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf.message import Message

from devstack.whatsapp import Failure, WhatsApp
from tests.emulator.client import Neonize
from tests.emulator.eventually import eventually
from tests.emulator.linked import Linked, resumed

Ban = Neonize.TemporaryBan


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A failed login, the event it becomes, and whether the account is kept."""

    failure: Failure
    event: Message
    keeps_account: bool


REFUSALS = {
    "logged out": Refusal(
        failure=Failure(401),
        event=Neonize.LoggedOut(OnConnect=True, Reason=Neonize.LOGGED_OUT),
        keeps_account=False,
    ),
    "temporarily banned": Refusal(
        failure=Failure(402, code=101, expire=3600),
        event=Ban(Code=Ban.SEND_TO_TOO_MANY_PEOPLE, Expire=3600),
        keeps_account=True,
    ),
    "phone gone": Refusal(
        failure=Failure(403),
        event=Neonize.LoggedOut(OnConnect=True, Reason=Neonize.MAIN_DEVICE_GONE),
        keeps_account=False,
    ),
    "client too old": Refusal(
        failure=Failure(405), event=Neonize.ClientOutdated(), keeps_account=True
    ),
    "banned": Refusal(
        failure=Failure(406),
        event=Neonize.LoggedOut(OnConnect=True, Reason=Neonize.UNKNOWN_LOGOUT),
        keeps_account=False,
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_refused_login_has_its_own_event(
    whatsapp: WhatsApp, dora: Linked, refusal: Refusal
) -> None:
    dora.person.login_failure = refusal.failure
    dora.device.drop()

    assert await dora.client.event(type(refusal.event)) == refusal.event

    if not refusal.keeps_account:
        await account_is_forgotten(dora)
        return
    await dora.client.kill()
    dora.person.login_failure = None
    async with resumed(whatsapp, dora) as client:
        await client.event(Neonize.Connected)


async def test_an_unspecific_refusal_is_a_connect_failure(dora: Linked) -> None:
    dora.person.login_failure = Failure(400, message="bad request")
    dora.device.drop()

    failure = await dora.client.event(Neonize.ConnectFailure)

    assert failure.Message == "bad request"


async def test_a_device_removed_on_the_phone_is_logged_out(dora: Linked) -> None:
    dora.device.removed()

    logged_out = await dora.client.event(Neonize.LoggedOut)

    assert not logged_out.OnConnect
    await account_is_forgotten(dora)


async def test_a_device_removed_while_away_learns_it_at_its_next_login(
    whatsapp: WhatsApp, dora: Linked
) -> None:
    await dora.client.kill()
    await dora.device.disconnected()
    dora.device.removed()

    async with resumed(whatsapp, dora) as client:
        assert (await client.event(Neonize.LoggedOut)).OnConnect


async def test_a_client_that_was_replaced_stays_away(dora: Linked) -> None:
    dora.device.replaced()

    await dora.client.event(Neonize.StreamReplaced)

    await dora.device.disconnected()
    await eventually(
        lambda: dora.client.call("is_connected"), lambda connected: not connected
    )


async def test_a_second_login_replaces_the_first(
    whatsapp: WhatsApp, dora: Linked
) -> None:
    first = dora.client

    async with resumed(whatsapp, dora) as second:
        await second.event(Neonize.Connected)
        await first.event(Neonize.StreamReplaced)


async def test_logging_out_removes_the_device_without_an_event(dora: Linked) -> None:
    await dora.client.call("logout")

    await dora.device.unlinked()
    assert dora.client.reported(Neonize.LoggedOut) == []


async def test_a_stopped_client_hangs_up(dora: Linked) -> None:
    await dora.client.call("stop")

    assert await dora.client.connect_ended() == "returned"
    await dora.device.disconnected()
    assert dora.device.is_linked


async def account_is_forgotten(linked: Linked) -> None:
    """neonize deletes it only after it has told us."""

    async def accounts() -> int:
        return count_accounts(linked.store)

    await eventually(accounts, lambda count: count == 0)


def count_accounts(store: Path) -> int:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        [(count,)] = database.execute("select count(*) from whatsmeow_device")
        return int(count)
