"""What follows when a user changes the desired state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain import session_events as events
from connector.domain import situations
from connector.domain.lifecycle import transition
from connector.domain.session import Phase, Session, Timer
from connector.domain.session_commands import (
    AwaitTurn,
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


def test_asking_to_connect_asks_for_a_turn() -> None:
    session, todo = transition(AT_REST, events.ConnectWanted(revision=1), MOMENT)

    assert session.phase is Phase.WAITING
    assert AwaitTurn in kinds(todo)
    assert reported(todo)["state"] == "connecting"
    assert timers(todo) == {}  # nothing is due before it is its turn


def test_a_started_worker_is_told_to_connect() -> None:
    waiting = replace(STARTING, pairing_phone="5511912345678")

    assert commands(waiting, events.Started()) == (
        Connect(pairing_phone="5511912345678"),
    )


@pytest.mark.parametrize("session", WORKING)
def test_asking_again_while_a_worker_is_at_it_changes_nothing(session: Session) -> None:
    assert commands(session, events.ConnectWanted(revision=2)) == ()


def test_a_turn_is_awaited_first_for_who_asked_while_we_listened() -> None:
    first_heard = commands(AT_REST, events.ConnectWanted(revision=7))
    failed = after(PAIRING, events.PairingFailed("timeout"))
    by_itself = after(ONLINE, events.WorkerExited(1), events.TimerFired(Timer.RETRY))

    assert AwaitTurn(asked=False) in first_heard  # perhaps months ago
    assert AwaitTurn(asked=True) in commands(failed, events.ConnectWanted(revision=2))
    # Asked while it waits for its turn by itself: it moves up.
    assert AwaitTurn(asked=True) in commands(
        by_itself, events.ConnectWanted(revision=2)
    )
    assert commands(by_itself, events.ConnectWanted(revision=1)) == ()


def test_a_turn_that_comes_too_late_launches_nothing() -> None:
    waiting = after(AT_REST, events.ConnectWanted(revision=1))
    changed = after(waiting, events.DisconnectWanted())

    assert changed.situation is situations.DISCONNECTED
    assert commands(changed, events.TurnCame()) == ()
    assert commands(STARTING, events.TurnCame()) == ()


def test_waiting_for_a_turn_is_no_failure() -> None:
    waiting = after(ONLINE, events.WorkerExited(1), events.TimerFired(Timer.RETRY))

    launched, todo = transition(waiting, events.TurnCame(), MOMENT)

    assert kinds(todo) == [LaunchWorker, StartTimer]  # the answer is due from now on
    assert waiting.failures == launched.failures == 1
    assert waiting.situation is situations.WORKER_EXITED


def test_the_same_wish_is_not_granted_twice_but_a_repeated_one_is() -> None:
    failed = after(PAIRING, events.PairingFailed("timeout"))

    assert commands(failed, events.ConnectWanted(revision=1)) == ()
    assert AwaitTurn in kinds(commands(failed, events.ConnectWanted(revision=2)))


def test_another_pairing_phone_starts_pairing_anew() -> None:
    todo = commands(PAIRING, events.ConnectWanted(revision=2, pairing_phone="5511"))

    assert kinds(todo) == [Report, KillWorker, AwaitTurn]
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
    turned = after(leaving, events.TurnCame())
    online = commands(turned, events.Connected(ACCOUNT))

    assert AwaitTurn in kinds(todo)
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
    leaving = after(AT_REST, events.LogOutWanted(paired=True), events.TurnCame())

    gone, todo = transition(leaving, said, MOMENT)

    assert kinds(todo) == [KillWorker, DiscardStore, Report]
    assert gone.situation is situations.LOGGED_OUT


def test_a_failed_log_out_is_tried_again() -> None:
    leaving = after(ONLINE, events.LogOutWanted(paired=True))

    waiting, todo = transition(leaving, events.LogOutFailed(), MOMENT)

    assert kinds(todo) == [Report, StopWorker, StartTimer]
    assert AwaitTurn in kinds(commands(waiting, events.TimerFired(Timer.RETRY)))


def test_a_change_of_mind_after_the_log_out_links_anew() -> None:
    leaving = after(ONLINE, events.LogOutWanted(paired=True))
    regretting = after(leaving, events.ConnectWanted(revision=3))

    todo = commands(regretting, events.LogOutDone())

    assert kinds(todo)[1:3] == [KillWorker, DiscardStore]
    assert AwaitTurn in kinds(todo)
