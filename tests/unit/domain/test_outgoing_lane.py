"""Which row goes next: order within a chat, no waiting between chats."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.outgoing import MOST_LEAVING, Place, Stage, next_to_go

READY, PREPARING = Stage.READY, Stage.PREPARING
ACTING, LEAVING = Stage.ACTING, Stage.LEAVING


def test_the_first_goes_first() -> None:
    assert next_to_go([Place("a", READY), Place("a", READY)]) == 0


def test_a_row_that_is_being_prepared_holds_back_its_own_chat_only() -> None:
    lane = [Place("a", PREPARING), Place("a", READY), Place("b", READY)]

    assert next_to_go(lane) == 2


def test_two_of_one_chat_may_be_leaving_for_the_worker_keeps_their_order() -> None:
    assert next_to_go([Place("a", LEAVING), Place("a", READY)]) == 1


def test_no_more_than_two_are_leaving() -> None:
    assert (
        next_to_go([Place("a", LEAVING), Place("b", LEAVING), Place("c", READY)])
        is None
    )


def test_what_shows_typing_waits_for_what_is_leaving_in_its_chat() -> None:
    assert next_to_go([Place("a", LEAVING), Place("a", READY, alone=True)]) is None


def test_and_then_holds_its_chat_without_taking_a_turn_from_others() -> None:
    lane = [Place("a", LEAVING), Place("b", LEAVING), Place("c", READY, alone=True)]

    assert next_to_go(lane) == 2
    assert next_to_go([Place("c", ACTING), Place("c", READY)]) is None


places = st.builds(
    Place,
    st.sampled_from("abc"),
    st.sampled_from([READY, READY, PREPARING, ACTING, LEAVING]),
    st.booleans(),
)


@settings(max_examples=20)
@given(st.lists(places, max_size=12), st.randoms(use_true_random=False))
def test_whatever_ends_first_chats_keep_their_order_and_everybody_gets_away(
    begun: list[Place], random: object
) -> None:
    lane = [Place(place.chat, PREPARING, place.alone) for place in begun]
    rows = list(range(len(lane)))
    gone: dict[str, list[int]] = {}

    for _ in range(6 * len(rows)):
        while (at := next_to_go(lane)) is not None:
            place = lane[at]
            stage = ACTING if place.alone else LEAVING
            before = [each.stage for each in lane[:at] if each.chat == place.chat]
            assert all(each is LEAVING and not place.alone for each in before)
            lane[at] = Place(place.chat, stage)
            gone.setdefault(place.chat, []).append(rows[at])
        assert sum(each.stage is LEAVING for each in lane) <= MOST_LEAVING
        if not lane:
            break
        at = random.randrange(len(lane))  # type: ignore[attr-defined] # hypothesis' own
        if lane[at].stage is PREPARING:
            lane[at] = Place(lane[at].chat, READY, lane[at].alone)
        elif lane[at].stage is not READY:
            del lane[at], rows[at]

    while lane:  # everything that is under way comes to its end
        lane = [
            Place(each.chat, READY, each.alone) if each.stage is PREPARING else each
            for each in lane
        ]
        at = next_to_go(lane)
        if at is not None:
            gone.setdefault(lane[at].chat, []).append(rows[at])
        else:
            at = next(i for i, each in enumerate(lane) if each.stage is not READY)
        del lane[at], rows[at]
    assert all(order == sorted(order) for order in gone.values())
    assert sum(map(len, gone.values())) == len(begun)
