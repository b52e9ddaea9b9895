"""What follows when a user changes the desired state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain import session_events as events
from connector.domain import situations
from connector.domain.lifecycle import transition
from connector.domain.session import Phase, Session, Timer
from connector.domain.session_commands import (
    Connect,
    DiscardStore,
    KillWorker,
    LaunchWorker,
    LogOutAtWhatsApp,
    Report,
    StartTimer,
    StopWorker,
)
from tests.fakes.stages import (
    ACCOUNT,
    AT_REST,
    MOMENT,
    OFFLINE,
    ONLINE,
    PAIRING,
    STARTING,
    WORKING,
    after,
    commands,
    kinds,
    reported,
    timers,
)


def test_asking_to_connect_launches_a_worker() -> None:
    session, todo = transition(AT_REST, events.ConnectWanted(revision=1), MOMENT)

    assert session.phase is Phase.STARTING
    assert LaunchWorker() in todo
    assert reported(todo)["state"] == "connecting"
    assert Timer.ANSWER in timers(todo)


def test_a_started_worker_is_told_to_connect() -> None:
    waiting = replace(STARTING, pairing_phone="5511912345678")

    assert commands(waiting, events.Started()) == (
        Connect(pairing_phone="5511912345678"),
    )


@pytest.mark.parametrize("session", WORKING)
def test_asking_again_while_a_worker_is_at_it_changes_nothing(session: Session) -> None:
    assert commands(session, events.ConnectWanted(revision=2)) == ()


def test_the_same_wish_is_not_granted_twice_but_a_repeated_one_is() -> None:
    failed = after(PAIRING, events.PairingFailed("timeout"))

    assert commands(failed, events.ConnectWanted(revision=1)) == ()
    assert LaunchWorker() in commands(failed, events.ConnectWanted(revision=2))


def test_another_pairing_phone_starts_pairing_anew() -> None:
    todo = commands(PAIRING, events.ConnectWanted(revision=2, pairing_phone="5511"))

    assert kinds(todo) == [Report, KillWorker, LaunchWorker, StartTimer]
    assert reported(todo)["qr_code"] is None


@pytest.mark.parametrize("session", WORKING)
def test_disconnecting_stops_the_worker_in_order(session: Session) -> None:
    stopped, todo = transition(session, events.DisconnectWanted(), MOMENT)

    assert kinds(todo) == [StopWorker, Report]
    assert stopped.phase is Phase.REST
    assert reported(todo)["state"] == "disconnected"
    assert reported(todo)["qr_code"] is None


def test_disconnecting_at_rest_only_says_so() -> None:
    assert kinds(commands(AT_REST, events.DisconnectWanted())) == [Report]


def test_disconnecting_calls_a_planned_retry_off() -> None:
    waiting = after(ONLINE, events.WorkerExited(1))
    disconnected = after(waiting, events.DisconnectWanted())

    assert commands(disconnected, events.TimerFired(Timer.RETRY)) == ()


def test_logging_out_online_unlinks_and_forgets_the_keys() -> None:
    leaving, todo = transition(ONLINE, events.LogOutWanted(paired=True), MOMENT)
    gone, rest = transition(leaving, events.LogOutDone(), MOMENT)

    assert kinds(todo) == [LogOutAtWhatsApp]
    assert kinds(rest) == [KillWorker, DiscardStore, Report]
    assert gone.situation is situations.LOGGED_OUT


def test_logging_out_while_offline_connects_once_more() -> None:
    leaving, todo = transition(AT_REST, events.LogOutWanted(paired=True), MOMENT)
    online = commands(leaving, events.Connected(ACCOUNT))

    assert LaunchWorker() in todo
    assert reported(todo)["state_code"] == "logging_out"
    assert LogOutAtWhatsApp() in online


@pytest.mark.parametrize("session", [STARTING, OFFLINE])
def test_logging_out_waits_for_a_connection_on_its_way(session: Session) -> None:
    leaving, todo = transition(session, events.LogOutWanted(paired=True), MOMENT)

    assert kinds(todo) == [Report]
    assert LogOutAtWhatsApp() in commands(leaving, events.Connected(ACCOUNT))


@pytest.mark.parametrize("session", [AT_REST, PAIRING])
def test_logging_out_what_was_never_linked_only_forgets(session: Session) -> None:
    gone, todo = transition(session, events.LogOutWanted(paired=False), MOMENT)

    assert KillWorker not in kinds(todo) or session is PAIRING
    assert kinds(todo)[-2:] == [DiscardStore, Report]
    assert gone.situation is situations.LOGGED_OUT


@pytest.mark.parametrize("said", [events.QrShown("qr"), events.LoggedOut(401)])
def test_logging_out_what_is_unlinked_already_is_done(said: events.Event) -> None:
    leaving = after(AT_REST, events.LogOutWanted(paired=True))

    gone, todo = transition(leaving, said, MOMENT)

    assert kinds(todo) == [KillWorker, DiscardStore, Report]
    assert gone.situation is situations.LOGGED_OUT


def test_a_failed_log_out_is_tried_again() -> None:
    leaving = after(ONLINE, events.LogOutWanted(paired=True))

    waiting, todo = transition(leaving, events.LogOutFailed(), MOMENT)

    assert kinds(todo) == [Report, StopWorker, StartTimer]
    assert LaunchWorker() in commands(waiting, events.TimerFired(Timer.RETRY))


def test_a_change_of_mind_after_the_log_out_links_anew() -> None:
    leaving = after(ONLINE, events.LogOutWanted(paired=True))
    regretting = after(leaving, events.ConnectWanted(revision=3))

    todo = commands(regretting, events.LogOutDone())

    assert kinds(todo)[1:3] == [KillWorker, DiscardStore]
    assert LaunchWorker() in todo
