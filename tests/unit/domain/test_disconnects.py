"""What follows when a connection ends, fails or is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain import session_events as events
from connector.domain import situations
from connector.domain.lifecycle import transition
from connector.domain.session import Phase, Session, Timer
from connector.domain.session_commands import (
    AwaitTurn,
    DiscardStore,
    KillWorker,
    RecordEvent,
    Report,
    StartTimer,
    StopWorker,
)
from connector.domain.states import Situation
from tests.fakes.stages import (
    ACCOUNT,
    AT_REST,
    MOMENT,
    NOW,
    OFFLINE,
    ONLINE,
    STARTING,
    TRIES,
    WORKING,
    after,
    commands,
    kinds,
    reported,
    timers,
)

# event, how the worker ends, the code shown
TROUBLE: list[tuple[events.Event, type | None, Situation]] = [
    (events.KeepaliveTimeout(), StopWorker, situations.KEEPALIVE_TIMEOUT),
    (events.ConnectError(), KillWorker, situations.CONNECT_ERROR),
    (events.LaunchFailed(), KillWorker, situations.LAUNCH_FAILED),
    (events.SpoolFull(), StopWorker, situations.SPOOL_FULL),
    (events.WorkerExited(1), None, situations.WORKER_EXITED),
    (events.WorkerExited(-9), None, situations.WORKER_KILLED),
    (events.Replaced(lease_is_ours=False), StopWorker, situations.TAKEN_OVER),
    (events.ConnectFailure(400), KillWorker, situations.LOGIN_REFUSED),
    (events.ConnectFailure(500), KillWorker, situations.SERVER_UNAVAILABLE),
    (events.ConnectFailure(503), KillWorker, situations.SERVER_UNAVAILABLE),
]


@pytest.mark.parametrize(("event", "ended_by", "situation"), TROUBLE)
def test_trouble_is_cured_by_another_worker(
    event: events.Event, ended_by: type | None, situation: Situation
) -> None:
    waiting, todo = transition(ONLINE, event, MOMENT)

    assert [k for k in kinds(todo) if k in (StopWorker, KillWorker)] == (
        [ended_by] if ended_by else []
    )
    assert waiting.phase is Phase.REST
    assert reported(todo)["state"] == "reconnecting"
    assert reported(todo)["state_code"] == situation.code
    assert reported(todo)["disconnected_at"] == NOW.isoformat()
    assert AwaitTurn in kinds(commands(waiting, events.TimerFired(Timer.RETRY)))


def test_back_off_grows_until_a_connection_has_lasted() -> None:
    once = after(STARTING, events.ConnectError())
    twice = after(once, *TRIES, events.ConnectError())
    briefly = after(twice, *TRIES, events.Connected(ACCOUNT))

    assert (once.failures, twice.failures, briefly.failures) == (1, 2, 2)
    assert timers(commands(briefly, events.WorkerExited(1)))[Timer.RETRY] == (
        timedelta(seconds=4)
    )


def test_a_lost_connection_may_come_back_by_itself() -> None:
    lost, todo = transition(ONLINE, events.Disconnected(), MOMENT)

    assert reported(todo)["state"] == "reconnecting"
    assert timers(todo) == {Timer.COMEBACK: timedelta(seconds=20)}
    assert commands(lost, events.Disconnected()) == ()
    assert after(lost, events.Connected(ACCOUNT)).phase is Phase.ONLINE


def test_a_connection_that_does_not_come_back_is_replaced() -> None:
    todo = commands(OFFLINE, events.TimerFired(Timer.COMEBACK))

    assert kinds(todo) == [Report, StopWorker, StartTimer]


def test_a_stream_error_is_recorded_and_awaits_the_comeback() -> None:
    todo = commands(ONLINE, events.StreamError(599))

    assert kinds(todo) == [RecordEvent, Report, StartTimer]
    assert reported(todo)["state_code"] == "stream_error"


def test_a_worker_that_gives_no_answer_is_killed() -> None:
    todo = commands(STARTING, events.TimerFired(Timer.ANSWER))

    assert kinds(todo) == [Report, KillWorker, StartTimer]
    assert reported(todo)["state_code"] == "not_responding"


def test_a_full_spool_is_recorded_once() -> None:
    full = after(ONLINE, events.SpoolFull(), *TRIES)

    assert RecordEvent in kinds(commands(ONLINE, events.SpoolFull()))
    assert RecordEvent not in kinds(commands(full, events.SpoolFull()))


LOGOUTS = [
    (401, situations.UNLINKED),
    (403, situations.MAIN_DEVICE_GONE),
    (406, situations.UNKNOWN_LOGOUT),
    (None, situations.UNKNOWN_LOGOUT),
]


@pytest.mark.parametrize(("code", "situation"), LOGOUTS)
@pytest.mark.parametrize("session", WORKING)
def test_a_log_out_discards_the_keys_and_waits_for_a_scan(
    session: Session, code: int | None, situation: Situation
) -> None:
    gone, todo = transition(session, events.LoggedOut(code), MOMENT)

    assert kinds(todo) == [RecordEvent, Report, KillWorker, DiscardStore]
    assert gone.situation is situation
    assert reported(todo)["user_action"] == "scan_qr"
    assert commands(gone, events.TimerFired(Timer.RETRY)) == ()


def test_another_login_with_our_keys_is_an_alarm_and_no_contest() -> None:
    alarmed, todo = transition(ONLINE, events.Replaced(lease_is_ours=True), MOMENT)

    assert kinds(todo) == [RecordEvent, Report, StopWorker]
    assert reported(todo)["state"] == "replaced"
    assert commands(alarmed, events.TimerFired(Timer.RETRY)) == ()


def test_a_connection_lost_without_a_lease_ends_the_process_before_it_redials() -> None:
    for session in (ONLINE, OFFLINE, STARTING):
        waiting, todo = transition(
            session, events.Disconnected(lease_is_ours=False), MOMENT
        )

        assert kinds(todo) == [Report, KillWorker, StartTimer]
        assert waiting.situation is situations.CONNECTION_LOST
        assert set(timers(todo)) == {Timer.RETRY}


def test_who_had_the_number_before_may_log_in_late_three_times_and_no_more() -> None:
    late = events.Replaced(lease_is_ours=True, soon_after_another=True)
    session = ONLINE
    for _ in range(3):
        session, todo = transition(session, late, MOMENT)
        assert kinds(todo) == [Report, StopWorker, StartTimer]
        assert reported(todo)["state_code"] == "contested"
        session = replace(ONLINE, contests=session.contests)

    todo = commands(session, late)

    assert kinds(todo) == [RecordEvent, Report, StopWorker]
    assert reported(todo)["state"] == "replaced"


PERMANENT: list[tuple[events.Event, Situation]] = [
    (events.ConnectFailure(413), situations.CONNECT_FAILURE),
    (events.ConnectFailure(414), situations.CONNECT_FAILURE),
    (events.ConnectFailure(415), situations.CONNECT_FAILURE),
    (events.ConnectFailure(418), situations.CONNECT_FAILURE),
]


@pytest.mark.parametrize(("event", "situation"), PERMANENT)
def test_a_permanent_refusal_is_never_retried_by_the_clock(
    event: events.Event, situation: Situation
) -> None:
    refused, todo = transition(STARTING, event, MOMENT)

    assert kinds(todo) == [RecordEvent, Report, KillWorker]
    assert refused.situation is situation
    assert refused.retry_at is None


SLOW: list[tuple[events.Event, Situation]] = [
    (events.Outdated(), situations.CLIENT_OUTDATED),
    (events.ConnectFailure(409), situations.CONNECT_FAILURE),
    (events.ConnectFailure(501), situations.CONNECT_FAILURE),
    (events.ConnectFailure(499), situations.CONNECT_FAILURE),
    (events.ConnectFailure(None), situations.CONNECT_FAILURE),
]


@pytest.mark.parametrize(("event", "situation"), SLOW)
def test_what_only_an_update_cures_is_looked_at_slowly(
    event: events.Event, situation: Situation
) -> None:
    refused, todo = transition(STARTING, event, MOMENT)
    probing, quietly = transition(refused, events.TimerFired(Timer.RETRY), MOMENT)

    assert timers(todo)[Timer.RETRY] >= timedelta(minutes=15)
    assert reported(quietly) == {}
    assert probing.situation is situation
    assert RecordEvent in kinds(todo)
    launched = after(probing, events.TurnCame())
    assert RecordEvent not in kinds(commands(launched, event))


def test_a_ban_is_waited_out_whoever_asks() -> None:
    until = NOW + timedelta(hours=1)
    banned, todo = transition(ONLINE, events.Banned(code=101, until=until), MOMENT)

    assert reported(todo)["state"] == "banned"
    assert reported(todo)["paused_until"] == until.isoformat()
    assert "people who do not know" in str(reported(todo)["state_message"])
    assert timers(todo)[Timer.RETRY] == timedelta(hours=1)
    off_and_on = after(banned, events.DisconnectWanted())
    for asked in (
        events.ConnectWanted(revision=9),
        events.LogOutWanted(paired=True),
    ):
        assert AwaitTurn not in kinds(commands(banned, asked))
        assert AwaitTurn not in kinds(commands(off_and_on, asked))
    assert AwaitTurn in kinds(commands(banned, events.TimerFired(Timer.RETRY)))


def test_a_login_after_the_ban_ends_its_pause() -> None:
    until = NOW + timedelta(hours=1)
    banned = after(ONLINE, events.Banned(code=101, until=until))
    trying = after(banned, *TRIES)

    columns = reported(commands(trying, events.Connected(ACCOUNT)))

    assert columns["paused_until"] is None
    assert "paused_until" not in reported(commands(STARTING, events.Connected(ACCOUNT)))


def test_a_ban_without_an_end_is_looked_at_slowly() -> None:
    todo = commands(ONLINE, events.Banned(code=None, until=None))

    assert timers(todo)[Timer.RETRY] >= timedelta(minutes=15)


OUTAGES = [
    events.ConnectError(),
    events.KeepaliveTimeout(),
    events.ConnectFailure(503),
]
OF_ONE_NUMBER = [
    events.WorkerExited(1),
    events.ConnectFailure(400),
    events.ConnectFailure(409),
    events.SpoolFull(),
    events.Outdated(),
]


@pytest.mark.parametrize("trouble", [*OUTAGES, *OF_ONE_NUMBER], ids=repr)
def test_back_off_ends_early_when_whatsapp_answers_others(
    trouble: events.Event,
) -> None:
    waiting = after(ONLINE, trouble)

    back, todo = transition(waiting, events.WhatsAppBack(), MOMENT)

    assert kinds(todo) == ([AwaitTurn] if trouble in OUTAGES else [])
    assert back.failures == waiting.failures


@pytest.mark.parametrize("session", [AT_REST, *WORKING])
def test_who_does_not_back_off_needs_no_such_news(session: Session) -> None:
    assert commands(session, events.WhatsAppBack()) == ()


CRASHES = [events.WorkerExited(1), events.LaunchFailed(), events.WorkerSilent()]


def recorded(session: Session, *happened: events.Event) -> list[str]:
    """What is told of each, in order."""
    codes = []
    for event in happened:
        session, todo = transition(session, event, MOMENT)
        codes += [c.situation.code for c in todo if isinstance(c, RecordEvent)]
    return codes


@pytest.mark.parametrize("crash", CRASHES, ids=repr)
def test_a_process_that_fails_again_and_again_is_told_of_once(
    crash: events.Event,
) -> None:
    again = (crash, *TRIES)
    each = ["worker_exited"] if isinstance(crash, events.WorkerExited) else []

    assert recorded(ONLINE, *again * 20) == each * 4 + ["worker_crash_loop"]


def test_half_a_minute_online_or_a_person_ends_a_row_of_crashes() -> None:
    again = (events.WorkerExited(1), *TRIES)
    well = (events.Connected(ACCOUNT), events.WorkerAnswered())
    asked = (events.WorkerExited(1), events.ConnectWanted(revision=9))

    assert "worker_crash_loop" not in recorded(
        ONLINE, *(again * 4 + well) * 3, *again * 3, *asked, *again * 3
    )
