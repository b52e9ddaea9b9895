"""Killed at the worst moment: nothing sent twice, nothing lost but neonize's own queue."""

from __future__ import annotations

import os
import signal
from collections import Counter

from devstack.app import Row
from tests.acceptance.world import Linked, World

BURST = 400
# What neonize holds in memory between receipting and calling back: one or two messages as
# a rule. On a busy machine the recorder's thread waits longer for its turn (43 were seen), so only
# `make crashes` counts them; here it matters that nothing else is missing
# (docs/decisions/0006).
MOST_IN_FLIGHT = 100


async def _numbered(world: World, linked: Linked, count: int) -> list[str]:
    bob = world.somebody("Bob")
    texts = [f"{number:04}" for number in range(count)]
    for text in texts:
        await bob.says(linked.owner, text)
    return texts


def _is_one_stretch(lost: list[str]) -> bool:
    """Said one right after the other: what was on its way at the moment of the kill."""
    return not lost or int(lost[-1]) - int(lost[0]) == len(lost) - 1


async def test_a_worker_killed_while_receiving_loses_only_what_was_on_its_way(
    own_world: World,
) -> None:
    linked = await own_world.linked()

    texts = await _numbered(own_world, linked, BURST)
    await linked.bodies(20)
    os.kill(linked.worker_pid(), signal.SIGKILL)
    await linked.device.disconnected()
    await linked.device.connected()
    await linked.device.has_everything()
    bob = own_world.somebody("Carla")
    await bob.says(linked.owner, "fim")
    await linked.message("fim")

    seen = Counter(row["body"] for row in await linked.messages(from_me=False))
    assert set(seen.values()) == {1}
    lost = [text for text in texts if text not in seen]
    assert len(lost) <= MOST_IN_FLIGHT
    assert _is_one_stretch(lost)


async def test_the_whole_connector_killed_while_receiving_stores_what_it_spooled(
    own_world: World,
) -> None:
    linked = await own_world.linked()

    texts = await _numbered(own_world, linked, BURST)
    await linked.bodies(20)
    await own_world.connector.kill()
    await linked.device.disconnected()
    await own_world.connector.start()
    await linked.device.connected()
    await linked.device.has_everything()
    bob = own_world.somebody("Carla")
    await bob.says(linked.owner, "fim")
    await linked.message("fim")
    bodies = [row["body"] for row in await linked.messages(from_me=False)]

    assert len(bodies) == len(set(bodies))
    lost = [text for text in texts if text not in bodies]
    assert len(lost) <= MOST_IN_FLIGHT
    assert _is_one_stretch(lost)


async def test_a_worker_killed_between_frame_and_ack_sends_nothing_twice(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    linked.device.withhold_acks()

    row_id = await linked.sends(bob.number, "uma vez só")
    heard = await bob.hears()
    os.kill(linked.worker_pid(), signal.SIGKILL)
    await linked.device.disconnected()
    linked.device.release_acks()
    settled = await linked.app.outbox_is(row_id, "sent", "delivered", within=60)
    after = await linked.sends(bob.number, "e depois")
    await linked.app.outbox_is(after, "delivered")

    assert settled["whatsapp_id"] == heard.whatsapp_id
    assert [each.text for each in bob.heard] == ["uma vez só", "e depois"]


async def test_the_connector_killed_in_the_middle_of_many_sends_repeats_none(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    rows = [
        {
            "session_id": linked.session_id,
            "to": bob.number,
            "kind": "text",
            "payload": {"text": f"{number:03}"},
        }
        for number in range(120)
    ]

    await linked.app.client.table("wa_outbox").insert(rows).execute()
    for _ in range(30):
        await bob.hears()
    await own_world.connector.kill()
    await linked.device.disconnected()
    await own_world.connector.start()

    columns = "state, settle_by, payload->>text"

    async def settled() -> list[Row] | None:
        answer = await linked.app.client.table("wa_outbox").select(columns).execute()
        rows: list[Row] = answer.data  # type: ignore[assignment]  # rows
        heard = {message.text for message in bob.heard}
        return rows if all(_is_decided(row, heard) for row in rows) else None

    rows = await linked.app.until(settled, within=60)

    # Begun, and the kill came before its frame: nobody can know, so it waits for a receipt.
    in_doubt = {str(row["text"]) for row in rows if row["state"] == "sending"}
    assert len(in_doubt) <= 1
    heard = Counter(message.text for message in bob.heard)
    assert heard == Counter({f"{number:03}" for number in range(120)} - in_doubt)


def _is_decided(row: Row, heard: set[str]) -> bool:
    """Sent; or nobody heard it, so that no receipt tells of it."""
    if row["state"] in ("sent", "delivered", "read"):
        return True
    return bool(row["settle_by"]) and row["text"] not in heard


async def test_a_send_nobody_confirms_becomes_uncertain_and_a_late_receipt_settles_it(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    bob.receipts = "none"
    linked.device.withhold_acks()

    row_id = await linked.sends(bob.number, "será que foi?")
    heard = await bob.hears()
    os.kill(linked.worker_pid(), signal.SIGKILL)
    await linked.device.connected()
    linked.device.release_acks()
    async with own_world.database() as database:

        async def awaiting() -> bool:
            return bool(
                await database.fetchval(
                    "select settle_by is not null from wa_outbox where id = $1", row_id
                )
            )

        await linked.app.until(awaiting)
        # Two minutes pass.
        await database.execute(
            "update wa_outbox set settle_by = now() where id = $1", row_id
        )
    uncertain = await linked.app.outbox_is(row_id, "uncertain")
    await bob.receives(heard)
    await linked.app.outbox_is(row_id, "sent", "delivered")

    assert uncertain["error_code"] == "send_uncertain"
    assert len(bob.heard) == 1


async def test_a_planned_stop_with_a_backlog_loses_nothing_and_is_quick(
    own_world: World,
) -> None:
    linked = await own_world.linked()

    texts = await _numbered(own_world, linked, BURST)
    await linked.bodies(20)
    code = await own_world.connector.stop()
    at_rest = await linked.session()
    await own_world.connector.start()
    await linked.session_is("connected")
    bodies = await linked.bodies(BURST)

    assert code == 0
    assert at_rest["state"] != "connected"
    assert bodies == texts
