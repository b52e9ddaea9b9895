"""What a person has to act on is a row of wa_events: one for each time it happens."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain import session_events as events
from connector.domain.lifecycle import transition
from connector.domain.session import Session
from connector.domain.session_commands import RecordEvent
from connector.domain.situations import SITUATIONS
from connector.domain.states import UserAction
from tests.fakes.stages import MOMENT, NOW, ONLINE, PAIRING, STARTING, TRIES

HAPPENINGS: list[events.Event] = [
    *(events.LoggedOut(code) for code in (401, 403, 406)),
    *(events.ConnectFailure(code) for code in (400, 409, 413, 414, 415, 418, 501, 999)),
    *(events.PairingFailed(reason) for reason in ("error", "err-client-outdated")),
    events.PairingFailed("err-scanned-without-multidevice"),
    events.Replaced(lease_is_ours=True),
    events.Banned(code=101, until=NOW + timedelta(hours=1)),
    events.Outdated(),
    events.KeyUnknown(),
    events.StateUnreadable(),
    events.SpoolFull(),
    events.StreamError(599),
    events.WorkerExited(1),
    events.WorkerExited(-9),
]
# These show themselves to the person who sits before the screen, or pass by themselves.
SHOWN_ONLY = {"qr_ready", "pairing_code_ready", "qr_timeout", "pairing_code_refused"}
FOR_PEOPLE = {
    code
    for code, one in SITUATIONS.items()
    if one.user_action not in (UserAction.NONE, UserAction.WAIT)
}


def told(session: Session, event: events.Event) -> tuple[Session, list[str]]:
    after, todo = transition(session, event, MOMENT)
    codes = [c.situation.code for c in todo if isinstance(c, RecordEvent)]
    return after, codes


@pytest.mark.parametrize("session", [STARTING, PAIRING, ONLINE], ids=lambda s: s.phase)
def test_what_needs_a_person_is_told_once(session: Session) -> None:
    for event in HAPPENINGS:
        after, codes = told(session, event)

        assert len(codes) <= 1, event
        if after.situation.code in FOR_PEOPLE - {session.situation.code}:
            assert codes == [after.situation.code], event


def test_everything_that_needs_a_person_can_be_told() -> None:
    reached = {code for event in HAPPENINGS for code in told(STARTING, event)[1]}

    assert reached >= FOR_PEOPLE - SHOWN_ONLY


@pytest.mark.parametrize(
    "event",
    [
        events.ConnectFailure(409),
        events.Outdated(),
        events.KeyUnknown(),
        events.StateUnreadable(),
        events.SpoolFull(),
    ],
    ids=repr,
)
def test_what_is_found_again_by_looking_is_not_told_again(event: events.Event) -> None:
    session, _ = told(STARTING, event)
    for tried in TRIES:
        session, _ = told(session, tried)

    assert told(session, event)[1] == []
