"""A saved state opens with its key alone, whole and unchanged, and replaces nothing otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connector.domain.device_state import Head
from connector.errors import StateUnreadable
from connector.ports import SealedPage, SessionId
from connector.sealed_state import StateSeal
from tests.contract.kept_machine import AT_REST, KEY, OTHER_KEY, Machine
from tests.fakes.device_states import MemoryStates, tampered
from tests.fakes.supabase import ANA


async def test_a_new_key_seals_all_pages_anew_and_the_old_one_may_go(
    here: Machine, tmp_path: Path, states: MemoryStates
) -> None:
    await here.links()
    rotated = Machine(here.store.folder, states, OTHER_KEY, KEY)
    await rotated.kept.bring(2)
    await rotated.saves()

    later = Machine(tmp_path / "later", states, OTHER_KEY)
    await later.kept.bring(3)

    assert later.store.said == []


async def test_whoever_takes_over_with_a_new_key_seals_all_pages_anew_before_it_begins(
    here: Machine, tmp_path: Path, states: MemoryStates
) -> None:
    await here.links()
    here.store.say("one")
    await here.saves(AT_REST)

    rotated = Machine(tmp_path / "rotated", states, OTHER_KEY, KEY)
    await rotated.kept.bring(2)  # and is killed before it saves anything

    seal = StateSeal.of(ANA, (OTHER_KEY, KEY))
    assert states.newest is not None
    assert seal.is_current(states.newest)
    assert all(map(seal.has_current, states.stored.values()))
    later = Machine(tmp_path / "later", states, OTHER_KEY)
    await later.kept.bring(3)
    assert later.store.said == ["one"]


async def test_pages_of_a_key_that_goes_are_noticed_below_a_manifest_of_the_new_one(
    here: Machine, tmp_path: Path, states: MemoryStates
) -> None:
    await here.links()
    seal = StateSeal.of(ANA, (OTHER_KEY, KEY))
    assert states.newest is not None
    manifest = seal.open_manifest(states.newest)
    assert manifest is not None
    states.newest = replace(states.newest, manifest=seal.seal_manifest(manifest))

    await Machine(tmp_path / "rotated", states, OTHER_KEY, KEY).kept.bring(2)

    assert all(map(seal.has_current, states.stored.values()))


async def test_without_the_key_nothing_is_changed(
    here: Machine, tmp_path: Path, states: MemoryStates
) -> None:
    await here.links()
    before = (states.newest, dict(states.stored))
    stranger = Machine(tmp_path / "stranger", states, OTHER_KEY)

    with pytest.raises(StateUnreadable, match="WA_STATE_KEY"):
        await stranger.kept.bring(2)

    assert (states.newest, states.stored) == before
    assert not stranger.kept.is_settled
    assert stranger.local.paired_lineage() is None


def _missing(pages: dict[int, SealedPage]) -> None:
    del pages[1]


def _cut(pages: dict[int, SealedPage]) -> None:
    del pages[max(pages)]


def _exchanged(pages: dict[int, SealedPage]) -> None:
    pages[0], pages[1] = replace(pages[1], page=0), replace(pages[0], page=1)


def _shortened(pages: dict[int, SealedPage]) -> None:
    pages[0] = replace(pages[0], sealed=pages[0].sealed[:-1])


def _emptied(pages: dict[int, SealedPage]) -> None:
    pages[0] = replace(pages[0], sealed=b"")


def _changed(pages: dict[int, SealedPage]) -> None:
    sealed = bytearray(pages[1].sealed)
    sealed[-1] ^= 1
    pages[1] = replace(pages[1], sealed=bytes(sealed))


def _of_another_session(pages: dict[int, SealedPage]) -> None:
    theirs = StateSeal.of(SessionId("bob"), (KEY,))
    ours = StateSeal.of(ANA, (KEY,))
    plain = ours.open_page(pages[1], 4096)
    pages[1] = theirs.seal_page(1, pages[1].generation, plain)


def _of_another_generation(pages: dict[int, SealedPage]) -> None:
    pages[1] = replace(pages[1], generation=pages[1].generation + 1)


@pytest.mark.parametrize(
    "harm",
    [
        *(_missing, _cut, _exchanged, _shortened, _emptied, _changed),
        *(_of_another_session, _of_another_generation),
    ],
)
async def test_harmed_pages_are_refused_and_replace_nothing(
    here: Machine, tmp_path: Path, states: MemoryStates, harm: object
) -> None:
    await here.links()
    harmed = tampered(states, harm)  # type: ignore[arg-type] # one of the above
    victim = Machine(tmp_path / "victim", harmed)

    with pytest.raises(StateUnreadable):
        await victim.kept.bring(2)

    assert victim.local.paired_lineage() is None


async def test_a_page_put_back_from_an_earlier_save_is_refused(
    here: Machine, elsewhere: Machine, states: MemoryStates
) -> None:
    await here.links()
    early = dict(states.stored)
    here.store.say("one")
    await here.saves()
    replaced = next(
        page for page in early if early[page].sealed != states.stored[page].sealed
    )
    states.stored[replaced] = early[replaced]

    with pytest.raises(StateUnreadable, match="not whole"):
        await elsewhere.kept.bring(2)


def _shortened_manifest(head: Head) -> Head:
    return replace(head, manifest=(head.manifest or b"")[:-1])


def _changed_manifest(head: Head) -> Head:
    *some, last = head.manifest or b""
    return replace(head, manifest=bytes([*some, last ^ 1]))


def _renumbered_manifest(head: Head) -> Head:
    return replace(head, generation=head.generation + 1)


def _borrowed_manifest(head: Head) -> Head:
    said = StateSeal.of(ANA, (KEY,)).open_manifest(head)
    assert said is not None
    theirs = StateSeal.of(SessionId("bob"), (KEY,)).seal_manifest(said)
    return replace(head, manifest=theirs)


@pytest.mark.parametrize(
    "harm",
    [_shortened_manifest, _changed_manifest, _renumbered_manifest, _borrowed_manifest],
)
async def test_a_manifest_that_was_harmed_is_refused(
    here: Machine, elsewhere: Machine, states: MemoryStates, harm: object
) -> None:
    await here.links()
    states.newest = harm(states.newest)  # type: ignore[operator] # one of the above

    with pytest.raises(StateUnreadable):
        await elsewhere.kept.bring(2)

    assert elsewhere.local.paired_lineage() is None


async def test_a_whole_earlier_state_put_back_does_not_replace_the_store_that_outgrew_it(
    here: Machine, states: MemoryStates
) -> None:
    await here.links()
    earlier = MemoryStates(states.newest, dict(states.stored))
    here.store.say("one")
    await here.saves()

    again = Machine(here.store.folder, earlier)
    await again.kept.bring(2)

    assert again.store.said == ["one"]
