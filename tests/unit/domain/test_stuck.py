"""A state that passes by itself does so within ten minutes, or somebody is told."""

from __future__ import annotations

from connector.domain import situations
from connector.domain.stuck import PASSING, Stay, go_on, is_stuck, stuck_event

LONG = 600.0


def test_ten_minutes_in_one_state_are_too_long_whatever_its_codes_were() -> None:
    stay = go_on(None, situations.CONNECTION_LOST, 100.0)
    stay = go_on(stay, situations.CONNECT_ERROR, 500.0)

    assert not is_stuck(stay, 100.0 + LONG - 1)
    assert is_stuck(stay, 100.0 + LONG)


def test_a_state_left_in_between_begins_anew() -> None:
    stay = go_on(None, situations.CONNECTION_LOST, 0.0)
    stay = go_on(stay, situations.CONNECTED, 590.0)
    stay = go_on(stay, situations.CONNECTION_LOST, 595.0)

    assert not is_stuck(stay, LONG + 1)


def test_waiting_for_a_turn_is_not_counted() -> None:
    stay = go_on(None, situations.CONNECT_ERROR, 0.0)
    stay = go_on(stay, situations.CONNECT_ERROR, 100.0, queued=True)
    assert not is_stuck(stay, 100.0 + 10 * LONG)
    stay = go_on(stay, situations.CONNECT_ERROR, 1_000.0, queued=True)  # asked anew
    stay = go_on(stay, situations.CONNECT_ERROR, 2_000.0)

    assert not is_stuck(stay, 2_000.0 + LONG - 101)
    assert is_stuck(stay, 2_000.0 + LONG - 100)


def test_what_waits_for_a_person_or_is_well_is_not_stuck() -> None:
    lasting = [s for s in situations.SITUATIONS.values() if s.state not in PASSING]

    assert lasting
    assert not [s.code for s in lasting if is_stuck(Stay(situation=s, since=0.0), 1e9)]


def test_members_read_what_it_is_stuck_at_and_what_to_do() -> None:
    event = stuck_event(Stay(situation=situations.CONNECT_ERROR, since=0.0))

    assert (event.level, event.situation.code) == ("warning", "stuck")
    assert event.situation.message == (
        "For more than 10 minutes: WhatsApp cannot be reached; trying again."
    )
    assert event.details == {"state": "reconnecting", "state_code": "connect_error"}
