"""A personal number is not a machine gun: what waits, how long, and that the app can see it."""

from __future__ import annotations

from datetime import datetime

from devstack.app import Row
from tests.acceptance.world import Linked, World


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


async def test_a_paced_number_leaves_a_gap_and_says_when_it_sends_next(
    world: World,
) -> None:
    linked = await world.linked(send_gap_seconds=600)
    bob = world.somebody("Bob")

    rows = [await linked.sends(bob.number, str(n)) for n in range(3)]
    session = await linked.app.row_where(
        "wa_sessions", lambda row: row["next_send_at"], id=linked.session_id
    )
    [last] = await linked.waits_for(rows[2])
    await linked.app.changes(linked.session_id, send_gap_seconds=1)
    sent = [await linked.app.outbox_is(one, "delivered") for one in rows]

    times = [_time(row["sent_at"]) for row in sent]
    heard = [each.text for each in bob.heard]
    assert heard == ["0", "1", "2"]
    assert last["reason"] in ("pace", "behind_another")
    assert session["next_send_at"] is not None
    assert times[2] > times[0]  # by whole seconds


async def test_the_pace_outlives_the_connector(own_world: World) -> None:
    linked = await own_world.linked(send_per_day=2, warm_up_days=0)
    bob = own_world.somebody("Bob")

    rows = [await linked.sends(bob.number, str(n)) for n in range(3)]
    for one in rows[:2]:
        await linked.app.outbox_is(one, "delivered")
    await own_world.connector.kill()
    await linked.device.disconnected()
    await own_world.connector.start()
    await linked.device.connected()
    urgent = await linked.sends(bob.number, "já", priority=10)

    async def why() -> Row | None:
        [waiting] = await linked.waits_for(urgent)
        return waiting if waiting["reason"] != "session_offline" else None

    waiting = await linked.app.until(why)

    assert waiting["reason"] == "pace"
    assert [heard.text for heard in bob.heard] == ["0", "1"]


async def test_strangers_wait_and_people_who_wrote_do_not(world: World) -> None:
    linked = await world.linked(send_new_per_day=1, warm_up_days=0)
    people = [world.somebody(name) for name in ("Bob", "Carla", "Davi")]
    bob, carla, davi = people
    await davi.says(linked.owner, "tem vaga?")
    await linked.message("tem vaga?")

    first = await linked.sends(bob.number, "promoção")
    second = await linked.sends(carla.number, "promoção")
    answer = await linked.sends(davi.number, "tem, sim")
    await linked.app.outbox_is(first, "delivered")
    await linked.app.outbox_is(answer, "delivered")
    [waiting] = await linked.waits_for(second)

    assert waiting["reason"] == "pace"
    assert waiting["until"] is not None
    assert carla.heard == []


async def test_whatsapps_own_limit_pauses_the_number_until_a_time_it_shows(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    linked.owner.ack_error = 429

    row_id = await linked.sends(bob.number, "mais tarde")
    paused = await _paused(linked, "paused_until")
    linked.owner.ack_error = None
    row = await linked.app.outbox(row_id)
    [event] = await linked.app.rows("wa_events", code="throttled")
    await linked.calls("wa_resume_sending", p_session_id=linked.session_id)
    await linked.app.outbox_is(row_id, "delivered")

    assert _time(paused["paused_until"]) > _time(row["created_at"])
    assert (row["state"], row["error_code"], row["attempts"]) == (
        "queued",
        "throttled",
        0,
    )
    assert event["session_id"] == linked.session_id
    assert [heard.text for heard in bob.heard] == ["mais tarde"]


async def test_a_timelock_holds_back_strangers_and_lets_answers_pass(
    linked: Linked,
) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    await carla.says(linked.owner, "e o meu pedido?")
    await linked.message("e o meu pedido?")
    linked.owner.ack_error = 463

    cold = await linked.sends(bob.number, "oferta")
    await _paused(linked, "new_chats_paused_until")
    linked.owner.ack_error = None
    answer = await linked.sends(carla.number, "sai hoje")
    await linked.app.outbox_is(answer, "delivered")
    [waiting] = await linked.waits_for(cold)

    assert waiting["reason"] in ("new_chats_paused", "retry")
    assert bob.heard == []


async def _paused(linked: Linked, column: str) -> Row:
    return await linked.app.row_where(
        "wa_sessions", lambda row: row[column], id=linked.session_id
    )
