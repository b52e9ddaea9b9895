"""An operator exchanges the state key, and takes a number to another session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest_asyncio

from devstack.app import UNPACED
from devstack.connector_process import new_state_key
from tests.acceptance.world import Linked, World


@pytest_asyncio.fixture(loop_scope="session")
async def own_world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.begin(tmp_path, WA_POLL_SECONDS="1") as world:
        yield world
        world.assert_nothing_went_unanswered()


async def _talks_both_ways(linked: Linked, name: str, mark: str) -> None:
    somebody = linked.world.somebody(name)
    await somebody.says(linked.owner, f"entrada {mark}")
    await linked.message(f"entrada {mark}")
    row_id = await linked.sends(somebody.number, f"saída {mark}")
    await linked.app.outbox_is(row_id, "delivered")
    assert [heard.text for heard in somebody.heard] == [f"saída {mark}"]


async def test_a_key_is_exchanged_while_numbers_run_and_rest_and_the_old_one_goes(
    own_world: World,
) -> None:
    connector = own_world.connector
    running, resting = await own_world.linked(), await own_world.linked()
    bob = own_world.somebody("Bob")
    await bob.says(running.owner, "antes")
    await running.message("antes")
    await resting.wants("disconnected")
    await resting.session_is("disconnected")
    old, new = connector.state_key, new_state_key()
    connector.state_key = f"{new},{old}"

    # Whoever runs here must have the new key first.
    code, said = await connector.command("keys", "rotate")
    assert (code, "restart it" in said) == (1, True), said
    await connector.stop()
    await connector.start()
    await running.device.connected()
    code, said = await connector.command("keys", "rotate")
    assert (code, "needs an earlier key" in said) == (0, True), said
    assert f"{old}" not in said
    assert "1 saved states" in said

    await connector.stop()
    connector.state_key = new
    await connector.start()
    await running.device.connected()
    await resting.wants("connected")
    await resting.device.connected()
    await bob.says(running.owner, "depois")
    await running.message("depois")
    await _talks_both_ways(running, "Carla", "sem a chave antiga")
    await _talks_both_ways(resting, "Davi", "de volta")
    # Nothing was lost on the way: conversations went on where they were.
    log = connector.log_file.read_text("utf-8")
    assert "ratchets are begun anew" not in log


async def test_a_number_is_taken_to_another_session_and_connects_without_a_qr(
    linked: Linked, tmp_path: Path
) -> None:
    connector, bob = linked.world.connector, linked.world.somebody("Bob")
    await bob.says(linked.owner, "antes de sair")
    await linked.message("antes de sair")
    file, key = tmp_path / "ana.zapbase", tmp_path / "ana.key"
    export = ("session", "export", linked.session_id, "--to", str(file))

    # What runs is not exported: the same keys would run twice.
    code, said = await connector.command(*export)
    assert (code, "'disconnected'" in said, file.exists()) == (1, True, False), said
    await linked.wants("disconnected")
    await linked.session_is("disconnected")
    code, said = await connector.command(*export, "--new-key", str(key), "--move")
    assert code == 0, said
    new_id = await linked.app.adds_number("Elsewhere", **UNPACED)
    into = ("session", "import", str(file), "--into", new_id)
    code, said = await connector.command(*into)
    assert (code, "--key-file" in said) == (1, True), said
    code, said = await connector.command(*into, "--key-file", str(key))
    assert code == 0, said

    moved = replace(linked, session_id=new_id)
    await moved.wants("connected")
    await linked.device.connected()
    connected = await moved.session_is("connected")

    assert connected["phone_number"] == linked.owner.number
    await bob.says(linked.owner, "depois de sair")
    await moved.message("depois de sair")
    row_id = await moved.sends(bob.number, "estou aqui")
    await moved.app.outbox_is(row_id, "delivered")
    assert [heard.text for heard in bob.heard] == ["estou aqui"]
    await _talks_both_ways(moved, "Carla", "na casa nova")
    await moved.wants("disconnected")
