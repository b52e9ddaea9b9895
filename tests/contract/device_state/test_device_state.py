"""A number's keys, from the store of one machine to the store of another."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connector.adapters.whatsapp.store.local_state import LocalStore
from connector.adapters.whatsapp.store.snapshot import Snapshot
from connector.domain.device_state import PAGES_A_CALL
from connector.errors import StateUnreadable, SupabaseUnavailable
from tests.contract.kept_machine import AT_REST, OTHER_KEY, Machine
from tests.fakes.device_states import MemoryStates

PATIENCE = 10.0


async def test_nothing_is_saved_before_a_phone_is_linked(
    here: Machine, states: MemoryStates
) -> None:
    await here.kept.bring(1)

    assert await here.saves() == 0
    assert states.newest is None


async def test_an_empty_machine_goes_on_with_what_another_saved(
    here: Machine, elsewhere: Machine
) -> None:
    await here.links()
    here.store.say("one")
    await here.saves()
    here.store.say("too late")

    await elsewhere.kept.bring(2)

    assert elsewhere.store.said == ["one"]
    assert elsewhere.local.paired_lineage() != here.local.paired_lineage()


async def test_only_what_changed_is_saved(here: Machine, states: MemoryStates) -> None:
    await here.links()
    whole = states.brought[-1]
    here.store.say("one")

    assert 0 < await here.saves() < whole
    assert await here.saves() == 0


async def test_a_copy_that_may_be_behind_begins_new_ratchets_and_a_complete_one_goes_on(
    here: Machine, elsewhere: Machine
) -> None:
    await here.links()
    await elsewhere.kept.bring(2)
    assert elsewhere.store.ratchets == 0

    here.store.close()
    await here.kept.bring(3)
    here.store.open().execute("insert into whatsmeow_sessions values ('new')")
    await here.saves(AT_REST)
    await elsewhere.kept.bring(4)

    assert elsewhere.store.ratchets == 1


async def test_what_a_worker_may_still_change_is_not_called_complete(
    here: Machine, elsewhere: Machine
) -> None:
    await here.links()
    with (here.store.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        await here.saves(AT_REST)

    await elsewhere.kept.bring(2)

    assert elsewhere.store.ratchets == 0


async def test_a_complete_state_is_complete_no_more_once_somebody_uses_it(
    here: Machine, elsewhere: Machine, tmp_path: Path, states: MemoryStates
) -> None:
    await here.links()
    await here.saves(AT_REST)
    await elsewhere.kept.bring(2)  # and is killed before it saves anything

    third = Machine(tmp_path / "third", states)
    await third.kept.bring(3)

    assert elsewhere.store.ratchets == 1
    assert third.store.ratchets == 0


async def test_a_store_that_ran_elsewhere_meanwhile_is_replaced(
    here: Machine, elsewhere: Machine
) -> None:
    await here.links()
    await elsewhere.kept.bring(2)
    elsewhere.store.say("meanwhile")
    await elsewhere.saves()
    here.store.say("never saved")
    here.store.close()

    await here.kept.bring(3)

    assert here.store.said == ["meanwhile"]


async def test_a_restart_saves_only_what_changed_and_a_lost_note_costs_all(
    here: Machine, states: MemoryStates
) -> None:
    await here.links()
    whole = states.brought[-1]
    here.store.say("before the restart was saved")

    again = Machine(here.store.folder, states)
    await again.kept.bring(2)
    few = await again.saves()
    (here.store.folder / "saved").unlink()
    forgetful = Machine(here.store.folder, states)
    await forgetful.kept.bring(3)

    assert 0 < few < whole
    assert await forgetful.saves() == whole


async def test_an_answer_that_was_lost_is_asked_for(
    here: Machine, states: MemoryStates
) -> None:
    await here.links()
    here.store.say("one")
    states.unheard = True
    with pytest.raises(TimeoutError):
        await here.saves()

    assert await here.saves() == 0
    here.store.say("two")
    assert await here.saves() > 0
    assert states.newest is not None
    assert states.newest.generation == 3


async def test_a_save_that_never_arrived_is_made_again(
    here: Machine, elsewhere: Machine, states: MemoryStates
) -> None:
    await here.links()
    here.store.say("one")
    states.failures = [SupabaseUnavailable()]
    with pytest.raises(SupabaseUnavailable):
        await here.saves()
    await here.saves()

    await elsewhere.kept.bring(2)

    assert elsewhere.store.said == ["one"]


@dataclass(frozen=True)
class HeldUp(LocalStore):
    """A store of which a copy takes as long as the test wants."""

    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    copies: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def copy(self) -> Iterator[Snapshot | None]:
        self.begun.set()
        self.go_on.wait(PATIENCE)
        with super().copy() as copy:
            self.copies.append("taken")
            try:
                yield copy
            finally:
                self.copies.append("closed")


async def test_a_save_that_is_cancelled_while_its_copy_is_taken_leaves_none_open(
    here: Machine, states: MemoryStates
) -> None:
    await here.links()
    here.store.say("one")
    store = HeldUp(here.store.folder)
    restarted = Machine(store.folder, states, local=store)
    await restarted.kept.bring(2)

    saving = asyncio.create_task(restarted.saves())
    await asyncio.to_thread(store.begun.wait, PATIENCE)
    saving.cancel()
    store.go_on.set()
    await asyncio.wait({saving})

    assert saving.cancelled()
    assert store.copies == ["taken", "closed"]


async def test_a_large_store_travels_in_pieces(
    here: Machine, elsewhere: Machine, states: MemoryStates
) -> None:
    await here.links()
    bodies = [f"{number:04}" * 900 for number in range(PAGES_A_CALL + 5)]
    here.store.say(*bodies)
    states.brought.clear()
    await here.saves()

    await elsewhere.kept.bring(2)

    assert max(states.brought) == PAGES_A_CALL
    assert elsewhere.store.said == bodies


async def test_nothing_is_settled_until_it_is_known_that_this_copy_is_in_use(
    here: Machine, elsewhere: Machine, tmp_path: Path, states: MemoryStates
) -> None:
    await here.links()
    await here.saves(AT_REST)
    states.unheard = True  # what it says of itself
    with pytest.raises(TimeoutError):
        await elsewhere.kept.bring(2)
    assert not elsewhere.kept.is_settled

    await elsewhere.kept.bring(2)

    assert elsewhere.kept.is_settled
    third = Machine(tmp_path / "third", states)
    await third.kept.bring(3)
    assert third.store.ratchets == 0


async def test_a_log_out_leaves_nothing_to_restore_anywhere(
    here: Machine, elsewhere: Machine, states: MemoryStates
) -> None:
    await here.links()
    await elsewhere.kept.bring(2)
    elsewhere.store.close()
    await elsewhere.kept.discard()
    await elsewhere.kept.forget(2)

    here.store.close()
    await here.kept.bring(3)

    assert here.local.paired_lineage() is None
    assert states.stored == {}


async def test_what_could_not_be_forgotten_is_before_anything_else(
    here: Machine, states: MemoryStates
) -> None:
    await here.links()
    here.store.close()
    await here.kept.discard()
    states.failures = [SupabaseUnavailable()]
    with pytest.raises(SupabaseUnavailable):
        await here.kept.forget(1)

    again = Machine(here.store.folder, states)
    await again.kept.bring(2)

    assert states.stored == {}
    assert again.local.paired_lineage() is None
    again.store.pair()
    assert await again.saves() > 0


async def test_what_nobody_opened_and_could_not_be_forgotten_is_before_anything_else(
    here: Machine, tmp_path: Path, states: MemoryStates
) -> None:
    """Given up by a log-out, at a moment when Supabase was away."""
    await here.links()
    for text in ("one", "two"):
        here.store.say(text)
        await here.saves()
    stranger = Machine(tmp_path / "stranger", states, OTHER_KEY)
    with pytest.raises(StateUnreadable):
        await stranger.kept.bring(2)
    assert stranger.kept.is_unopened

    await stranger.kept.discard()
    states.failures = [SupabaseUnavailable()]
    with pytest.raises(SupabaseUnavailable):
        await stranger.kept.forget(2)

    assert not stranger.kept.is_unopened, "no phone to unlink is left"
    await Machine(stranger.store.folder, states, OTHER_KEY).kept.bring(3)
    assert states.stored == {}
