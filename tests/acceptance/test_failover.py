"""A machine is lost, and another one goes on without anybody scanning anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from connector.adapters.whatsapp.store.local_state import LocalStore
from connector.domain.device_state import changed
from devstack.app import Row
from devstack.connector_process import ConnectorProcess, new_state_key
from tests.acceptance.world import Linked, World

# So that stories need not wait half a minute for a lease to expire.
SHORT_LEASE = {"WA_LEASE_SECONDS": "10", "WA_POLL_SECONDS": "1"}
TAKEN_OVER_WITHIN = 30.0


def _another_machine(world: World, name: str = "another machine") -> ConnectorProcess:
    """A connector with an empty data folder, on the same Supabase, with the same key."""
    other = world.stage.connector(name, **SHORT_LEASE)
    other.state_key = world.connector.state_key
    return other


async def _saved(linked: Linked, **equal: object) -> Row:
    """Until the newest state is in Postgres as the story needs it."""
    async with linked.world.database() as database:

        async def look() -> Row | None:
            row = await database.fetchrow(
                "select generation, page_count, key_id, manifest is null as forgotten"
                " from wa_private.device_states where session_id = $1",
                linked.session_id,
            )
            matches = row and all(row[key] == value for key, value in equal.items())
            return dict(row) if row and matches else None

        return await linked.app.until(look)


async def _all_is_saved(linked: Linked) -> int:
    """Until what the worker's store holds is what was saved; the generation."""
    store = LocalStore(
        linked.world.connector.data_folder / "sessions" / linked.session_id
    )

    async def look() -> int | None:
        known = store.known()
        with store.copy() as copy:
            assert copy is not None
            saved = known and not changed(known.marks, copy.hashes)
        return known.generation if known and saved else None

    return await linked.app.until(look)


async def _talks_both_ways(linked: Linked, name: str, mark: str) -> None:
    somebody = linked.world.somebody(name)
    await somebody.says(linked.owner, f"entrada {mark}")
    await linked.message(f"entrada {mark}")
    row_id = await linked.sends(somebody.number, f"saída {mark}")
    await linked.app.outbox_is(row_id, "delivered")
    assert [heard.text for heard in somebody.heard] == [f"saída {mark}"]


@pytest_asyncio.fixture(loop_scope="session")
async def own_world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.begin(tmp_path, **SHORT_LEASE) as world:
        yield world
        world.assert_nothing_went_unanswered()


async def test_a_killed_machine_s_number_goes_on_elsewhere_without_a_qr(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    await _all_is_saved(linked)
    await bob.says(linked.owner, "antes")
    await linked.message("antes")
    sent = await linked.sends(bob.number, "resposta antes")
    await linked.app.outbox_is(sent, "delivered")

    # Most likely before any of this was saved.
    await own_world.connector.kill()
    await linked.device.disconnected()
    await bob.says(linked.owner, "ninguém em casa")
    other = _another_machine(own_world)
    await other.start()
    await linked.device.connected(timeout=TAKEN_OVER_WITHIN)

    await linked.message("ninguém em casa")
    again = await linked.sends(bob.number, "resposta depois")
    await linked.app.outbox_is(again, "delivered")
    await bob.says(linked.owner, "e mais")
    await linked.message("e mais")
    assert [heard.text for heard in bob.heard] == ["resposta antes", "resposta depois"]
    await _talks_both_ways(linked, "Carla", "de gente nova")
    row = await linked.session()
    assert (row["state"], row["qr_code"]) == ("connected", None)


async def test_a_planned_stop_hands_over_everything_and_keeps_conversations(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    for number in range(20):
        await bob.says(linked.owner, f"{number:03}")
    row_id = await linked.sends(bob.number, "até já")
    await linked.app.outbox_is(row_id, "delivered")

    await own_world.connector.stop()
    other = _another_machine(own_world)
    await other.start()
    await linked.device.connected()

    await bob.says(linked.owner, "020")
    assert await linked.bodies(21) == [f"{number:03}" for number in range(21)]
    again = await linked.sends(bob.number, "de volta")
    await linked.app.outbox_is(again, "delivered")
    assert [heard.text for heard in bob.heard] == ["até já", "de volta"]
    # Nothing was lost, so the conversation goes on where it was.
    assert "ratchets are begun anew" not in other.log_file.read_text("utf-8")


async def test_an_older_folder_gives_way_to_what_was_saved_since(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    await _all_is_saved(linked)
    await own_world.connector.kill()
    other = _another_machine(own_world)
    await other.start()
    await linked.session_is("connected", within=TAKEN_OVER_WITHIN)
    await linked.device.connected(timeout=TAKEN_OVER_WITHIN)
    await _talks_both_ways(linked, "Carla", "noutro lugar")
    await other.stop()

    await own_world.connector.start()
    await linked.device.connected()

    await bob.says(linked.owner, "de novo aqui")
    await linked.message("de novo aqui")
    await _talks_both_ways(linked, "Davi", "de novo aqui")
    log = own_world.connector.log_file.read_text("utf-8")
    assert log.count("device state restored") == 1


async def test_a_machine_with_the_wrong_key_overwrites_nothing_and_gives_way_to_the_right_one(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    await own_world.connector.stop()
    saved = await _saved(linked)
    stranger = _another_machine(own_world)
    stranger.state_key = new_state_key()

    await stranger.start()
    refused = await linked.session_is("failed")
    untouched = await _saved(linked)
    other = _another_machine(own_world, "the right machine")
    await other.start()
    await linked.session_is("connected", within=TAKEN_OVER_WITHIN)
    await linked.device.connected(timeout=TAKEN_OVER_WITHIN)

    assert refused["state_code"] == "state_unreadable"
    assert refused["user_action"] == "contact_support"
    assert "WA_STATE_KEY" in refused["state_message"]
    assert untouched == saved
    assert "numbers left to others" in stranger.log_file.read_text("utf-8")
    await _talks_both_ways(linked, "Bob", "com a chave certa")


async def test_a_log_out_leaves_nothing_saved(own_world: World) -> None:
    linked = await own_world.linked()
    await _saved(linked, forgotten=False)

    await linked.wants("logged_out")
    await linked.session_is("logged_out")
    await _saved(linked, forgotten=True, page_count=0)

    async with own_world.database() as database:
        pages = "select count(*) from wa_private.device_pages where session_id = $1"
        assert await database.fetchval(pages, linked.session_id) == 0
    # Linked again, it is saved again.
    await linked.wants("connected")
    await linked.owner.phone.scans(await linked.app.qr_shown(linked.session_id))
    await _saved(linked, forgotten=False)


async def test_a_log_out_unlinks_a_number_that_only_its_saved_keys_are_left_of(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    await _all_is_saved(linked)
    await own_world.connector.kill()
    await linked.device.disconnected()
    await linked.wants("logged_out")

    # Who cannot open them does not give them up: the phone would stay linked.
    stranger = _another_machine(own_world)
    stranger.state_key = new_state_key()
    await stranger.start()
    await linked.session_is("failed", within=TAKEN_OVER_WITHIN)
    assert linked.device.is_linked
    other = _another_machine(own_world, "the right machine")
    await other.start()
    await linked.session_is("logged_out", within=TAKEN_OVER_WITHIN)

    assert not linked.device.is_linked
    await _saved(linked, forgotten=True)


async def test_supabase_away_delays_saving_and_nothing_else(own_world: World) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    before = await _all_is_saved(linked)

    await own_world.local.gateway.kill()
    await bob.says(linked.owner, "sem ninguém a guardar")
    await linked.device.has_everything()
    await own_world.local.gateway.start()
    await linked.message("sem ninguém a guardar")

    assert await _all_is_saved(linked) > before
    assert linked.device.is_connected
