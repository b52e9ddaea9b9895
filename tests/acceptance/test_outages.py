"""Supabase goes away, in part or whole, while messages flow."""

from __future__ import annotations

import pytest

from devstack.connector_process import new_state_key
from tests.acceptance.world import Linked, World


async def _both_ways(linked: Linked, mark: str) -> None:
    bob = linked.world.somebody("Bob")
    await bob.says(linked.owner, f"entrada {mark}")
    await linked.message(f"entrada {mark}")
    row_id = await linked.sends(bob.number, f"saída {mark}")
    await linked.app.outbox_is(row_id, "delivered")
    assert [heard.text for heard in bob.heard] == [f"saída {mark}"]


@pytest.mark.parametrize("part", ["gateway", "postgres"])
async def test_what_arrives_during_an_outage_is_stored_after_it(
    own_world: World, part: str
) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    server = own_world.local.gateway if part == "gateway" else own_world.local.postgres

    for number in range(50):
        await bob.says(linked.owner, f"{number:03}")
    await server.kill()
    for number in range(50, 100):
        await bob.says(linked.owner, f"{number:03}")
    # Told "received": it is in the spool, though Supabase is away.
    await linked.device.has_everything()
    await server.start()
    bodies = await _bodies_in_order(own_world, linked, 100)

    assert bodies == [f"{number:03}" for number in range(100)]
    assert linked.device.is_connected
    await _both_ways(linked, "depois")


async def test_a_frozen_gateway_delays_and_loses_nothing(own_world: World) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")

    own_world.local.gateway.freeze()
    for number in range(20):
        await bob.says(linked.owner, f"{number:03}")
    await linked.device.has_everything()
    own_world.local.gateway.thaw()
    bodies = await _bodies_in_order(own_world, linked, 20)

    assert bodies == [f"{number:03}" for number in range(20)]
    await _both_ways(linked, "descongelado")


async def test_rows_inserted_while_the_doorbell_is_dead_are_sent_all_the_same(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")

    await own_world.local.gateway.kill()
    async with own_world.database() as database:
        await database.execute(
            """
            insert into wa_outbox (session_id, "to", kind, payload)
            values ($1, $2, 'text', '{"text": "sem campainha"}')
            """,
            linked.session_id,
            bob.number,
        )
    await own_world.local.gateway.start()
    heard = await bob.hears()

    assert heard.text == "sem campainha"
    assert len(bob.heard) == 1


async def test_sending_goes_on_where_an_outage_cut_it_off(own_world: World) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    rows = [
        {
            "session_id": linked.session_id,
            "to": bob.number,
            "kind": "text",
            "payload": {"text": f"{number:03}"},
        }
        for number in range(60)
    ]

    await linked.app.client.table("wa_outbox").insert(rows).execute()
    await bob.hears()
    await own_world.local.gateway.kill()
    await own_world.local.gateway.start()
    for _ in range(59):
        await bob.hears()

    # Sixty rows, sixty messages: none twice, and none that overtook another.
    assert [heard.text for heard in bob.heard] == [f"{n:03}" for n in range(60)]


async def _bodies_in_order(world: World, linked: Linked, count: int) -> list[str]:
    async with world.database() as database:

        async def look() -> list[str] | None:
            rows = await database.fetch(
                """
                select body from wa_messages
                where session_id = $1 and not from_me order by body
                """,
                linked.session_id,
            )
            return [row["body"] for row in rows] if len(rows) >= count else None

        return await linked.app.until(look, within=60)


async def test_what_a_dead_connector_spooled_is_stored_though_nobody_wants_the_number(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")

    await own_world.local.gateway.kill()
    for number in range(5):
        await bob.says(linked.owner, f"{number:03}")
    await linked.device.has_everything()
    await own_world.connector.kill()
    async with own_world.database() as database:
        await database.execute(
            "update wa_sessions set desired_state = 'disconnected' where id = $1",
            linked.session_id,
        )
    await own_world.local.gateway.start()
    await own_world.connector.start()

    assert await _bodies_in_order(own_world, linked, 5) == [f"{n:03}" for n in range(5)]


async def test_a_spool_of_another_key_is_named_and_waits_for_its_key(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    connector = own_world.connector
    right_key = connector.state_key

    await own_world.local.gateway.kill()
    await bob.says(linked.owner, "selada")
    await linked.device.has_everything()
    await connector.kill()
    async with own_world.database() as database:
        # Otherwise it is the number's own keys that are named first.
        await database.execute("delete from wa_private.device_pages")
        await database.execute("delete from wa_private.device_states")
    await own_world.local.gateway.start()
    connector.state_key = new_state_key()
    await connector.start()
    refused = await linked.session_is("failed")
    await connector.stop()
    connector.state_key = right_key
    await connector.start()
    await linked.wants("connected")
    row = await linked.message("selada")

    assert refused["state_code"] == "state_key_unknown"
    assert "WA_STATE_KEY" in refused["state_message"]
    assert row["source"] == "live"
