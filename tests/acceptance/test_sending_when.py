"""Later, never, sooner, not now: what an app decides about what it has inserted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from postgrest.exceptions import APIError

from tests.acceptance.world import Linked


def _in(**delta: float) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


async def _an_hour_passes(linked: Linked, row_id: str) -> None:
    """As far as this row knows."""
    async with linked.world.database() as database:
        await database.execute(
            "update wa_outbox set send_after = send_after - interval '1 hour',"
            " expires_at = expires_at - interval '1 hour' where id = $1",
            row_id,
        )


async def test_a_row_waits_for_its_time_and_says_so(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    row_id = await linked.sends(bob.number, "bom dia", send_after=_in(hours=1))
    [waiting] = await linked.waits_for(row_id)
    after = await linked.sends(bob.number, "agora")
    await linked.app.outbox_is(after, "delivered")

    assert waiting["reason"] == "send_after"
    assert waiting["message"]
    assert [heard.text for heard in bob.heard] == ["agora"]


async def test_a_row_of_a_session_that_is_offline_says_why_it_waits(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    await linked.wants("disconnected")
    await linked.session_is("disconnected")

    row_id = await linked.sends(bob.number, "quando der")
    [waiting] = await linked.waits_for(row_id)

    assert waiting["reason"] == "session_offline"


async def test_what_is_late_is_not_sent(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    await linked.wants("disconnected")
    await linked.session_is("disconnected")

    row_id = await linked.sends(bob.number, "código 1234", expires_at=_in(hours=1))
    await _an_hour_passes(linked, row_id)
    await linked.wants("connected")
    await linked.session_is("connected")
    expired = await linked.app.outbox_is(row_id, "expired")
    after = await linked.sends(bob.number, "oi")
    await linked.app.outbox_is(after, "delivered")

    assert expired["error_code"] == "expired"
    assert [heard.text for heard in bob.heard] == ["oi"]


async def test_what_was_cancelled_is_not_sent_and_what_was_sent_cannot_be_cancelled(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    row_id = await linked.sends(bob.number, "engano", send_after=_in(hours=1))

    cancelled = await linked.calls("wa_cancel_outbox", p_id=row_id)
    await _an_hour_passes(linked, row_id)
    sent = await linked.sends(bob.number, "certo")
    await linked.app.outbox_is(sent, "delivered")
    with pytest.raises(APIError, match="cancel"):
        await linked.calls("wa_cancel_outbox", p_id=sent)
    later = await linked.sends(bob.number, "fim", send_after=_in(seconds=1))
    await linked.app.outbox_is(later, "delivered")

    assert cancelled["state"] == "cancelled"
    assert [heard.text for heard in bob.heard] == ["certo", "fim"]


async def test_an_urgent_row_passes_a_campaign(linked: Linked) -> None:
    bob, carla = linked.world.somebody("Bob"), linked.world.somebody("Carla")
    for known in (bob, carla):
        await linked.said(await known.says(linked.owner, "oi"))
    await linked.calls("wa_pause_sending", p_session_id=linked.session_id)
    campaign = [await linked.sends(bob.number, str(n), priority=-10) for n in range(3)]

    urgent = await linked.sends(carla.number, "já vou")
    [waiting] = await linked.waits_for(urgent)
    await linked.calls("wa_resume_sending", p_session_id=linked.session_id)
    first = await linked.app.outbox_is(urgent, "delivered")
    rows = [await linked.app.outbox_is(one, "delivered") for one in campaign]

    assert waiting["reason"] == "paused"
    assert all(first["sent_at"] <= row["sent_at"] for row in rows)
    assert [heard.text for heard in bob.heard] == ["0", "1", "2"]


async def test_nobody_else_cancels_pauses_or_looks(linked: Linked) -> None:
    stranger = await linked.world.stranger()
    bob = linked.world.somebody("Bob")
    row_id = await linked.sends(bob.number, "nosso", send_after=_in(hours=1))

    for name, arguments in (
        ("wa_cancel_outbox", {"p_id": row_id}),
        ("wa_resolve_outbox", {"p_id": row_id, "p_outcome": "sent"}),
        ("wa_pause_sending", {"p_session_id": linked.session_id}),
        ("wa_resume_sending", {"p_session_id": linked.session_id}),
        ("wa_why_waiting", {"p_session_id": linked.session_id}),
    ):
        with pytest.raises(APIError):
            await stranger.client.rpc(name, arguments).execute()

    assert (await linked.app.outbox(row_id))["state"] == "queued"
