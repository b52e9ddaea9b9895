"""Any order, repetition and cutting into batches of what comes in ends in the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.every_event import MESSAGES, PEOPLE, TOPICS
from tests.database.scene import Connection, Row, Session
from tests.database.whole_contents import stored


@st.composite
def stories(draw: st.DrawFn) -> list[Row]:
    """Events of one or two topics in any order, some missing, some told again.

    Sooner or later it is known whose addresses they are: before, nobody can tell.
    """
    topics = draw(st.sets(st.sampled_from(sorted(TOPICS)), min_size=1, max_size=2))
    events = [
        *MESSAGES,
        *(event for topic in sorted(topics) for event in TOPICS[topic]),
    ]
    story = draw(st.permutations(events))[draw(st.integers(0, len(events) // 2)) :]
    story += draw(st.lists(st.sampled_from(events), max_size=5))
    for alias in PEOPLE:
        story.insert(draw(st.integers(0, len(story))), alias)
    return story


def each_once(story: Sequence[Row]) -> list[Row]:
    """The same events in the order they are written down."""
    everything = [
        *PEOPLE,
        *MESSAGES,
        *(event for topic in TOPICS.values() for event in topic),
    ]
    return [event for event in everything if event in story]


def batches(story: Sequence[Row], cuts: Sequence[bool]) -> list[dict[str, Any]]:
    """A new batch begins where `cuts` says so."""
    cut_up: list[dict[str, Any]] = []
    for place, event in enumerate(story):
        if not cut_up or cuts[place % len(cuts)]:
            cut_up.append({})
        for part, rows in event.items():
            cut_up[-1].setdefault(part, []).extend(rows)
    return cut_up


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(story=stories(), cuts=st.lists(st.booleans(), min_size=1, max_size=10))
async def test_order_repetition_and_cutting_make_no_difference(
    leased: Session, service: Connection, story: list[Row], cuts: list[bool]
) -> None:
    expected = await stored(service, leased, batches(each_once(story), [False]))

    assert await stored(service, leased, batches(story, cuts)) == expected
