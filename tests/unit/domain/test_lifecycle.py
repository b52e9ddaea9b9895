"""Pairing, going online, and the laws of every story; no WhatsApp, no Postgres."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain import session_events as events
from connector.domain import situations
from connector.domain.lifecycle import transition
from connector.domain.session import Moment, Phase, Session, Timer, Wish
from connector.domain.session_commands import (
    AwaitTurn,
    CheckWorker,
    DiscardStore,
    KillWorker,
    LaunchWorker,
    LogOutAtWhatsApp,
    RecordEvent,
    Report,
    StopWorker,
)
from connector.domain.situations import SITUATIONS
from connector.domain.states import Situation, State
from connector.domain.wishes import READ_WITHIN
from tests.fakes.stages import (
    ACCOUNT,
    ANA_LID,
    AT_REST,
    MOMENT,
    NOW,
    OFFLINE,
    ONLINE,
    PAIRING,
    STARTING,
    after,
    commands,
    kinds,
    reported,
    timers,
)


def test_a_qr_is_shown_until_it_expires_and_replaced_by_the_next() -> None:
    shown, todo = transition(STARTING, events.QrShown("one"), MOMENT)
    later = Moment(NOW + timedelta(seconds=60), 0.5)
    _, rotation = transition(shown, events.QrShown("two"), later)

    assert reported(todo)["qr_code"] == "one"
    assert reported(todo)["qr_expires_at"] == "2026-01-02T12:01:00+00:00"
    assert reported(rotation)["qr_code"] == "two"
    assert reported(rotation)["qr_expires_at"] == "2026-01-02T12:01:20+00:00"
    assert Timer.PAIRING_END in timers(todo)
    assert timers(rotation) == {}


def test_a_pairing_code_takes_the_place_of_the_qr() -> None:
    handed_over, todo = transition(PAIRING, events.PairingCodeShown("AB-CD"), MOMENT)

    assert reported(todo)["pairing_code"] == "AB-CD"
    assert reported(todo)["qr_code"] is None
    assert commands(handed_over, events.QrShown("two")) == ()


def test_pairing_clears_the_qr_and_awaits_the_login() -> None:
    paired, todo = transition(PAIRING, events.Paired(ACCOUNT), MOMENT)
    columns = reported(todo)

    assert paired.phase is Phase.STARTING
    assert columns["qr_code"] is columns["qr_expires_at"] is None
    assert columns["phone_number"] == "5511912345678"
    assert Timer.ANSWER in timers(todo)


def test_a_number_is_linked_by_the_pairing_and_by_no_later_login() -> None:
    at_pairing = reported(commands(PAIRING, events.Paired(ACCOUNT)))
    at_login = reported(commands(STARTING, events.Connected(ACCOUNT)))

    assert at_pairing["linked_at"] == MOMENT.now.isoformat()
    assert "linked_at" not in at_login


def test_history_is_under_way_from_the_pairing_on_and_from_no_later_login() -> None:
    at_pairing = reported(commands(PAIRING, events.Paired(ACCOUNT)))
    at_login = reported(commands(STARTING, events.Connected(ACCOUNT)))

    assert (at_pairing["sync_state"], at_pairing["sync_progress"]) == ("running", 0)
    assert not {"sync_state", "sync_progress"} & at_login.keys()


def test_nothing_about_the_account_is_erased_by_what_was_not_said() -> None:
    columns = reported(commands(STARTING, events.Connected(events.Account())))

    assert not {"jid", "lid", "phone_number", "push_name"} & columns.keys()


def test_the_restart_after_pairing_is_no_error() -> None:
    paired = after(PAIRING, events.Paired(ACCOUNT))

    assert commands(paired, events.StreamError(515)) == ()
    assert commands(paired, events.Disconnected()) == ()
    assert after(paired, events.Connected(ACCOUNT)).phase is Phase.ONLINE


PAIRING_FAILURES: list[tuple[str, Situation]] = [
    ("timeout", situations.QR_TIMEOUT),
    ("error", situations.PAIRING_FAILED),
    ("err-client-outdated", situations.CLIENT_OUTDATED),
    ("err-scanned-without-multidevice", situations.PHONE_UNSUPPORTED),
]


@pytest.mark.parametrize(("reason", "situation"), PAIRING_FAILURES)
def test_failed_pairing_waits_for_a_person(reason: str, situation: Situation) -> None:
    failed, todo = transition(PAIRING, events.PairingFailed(reason), MOMENT)

    assert KillWorker() in todo
    assert failed.situation is situation
    assert reported(todo)["qr_code"] is None
    assert commands(failed, events.TimerFired(Timer.RETRY)) == ()


def test_a_refused_pairing_code_blames_the_number_and_quotes_nothing() -> None:
    asked = replace(PAIRING, pairing_phone="5511912345678")

    failed, todo = transition(
        asked, events.PairingFailed("no account for 5511912345678"), MOMENT
    )

    assert failed.situation is situations.PAIRING_CODE_REFUSED
    assert [c.details for c in todo if isinstance(c, RecordEvent)] == [
        {"reason": "error"}
    ]


def test_a_pairing_attempt_that_never_ends_is_ended() -> None:
    failed = after(PAIRING, events.TimerFired(Timer.PAIRING_END))

    assert failed.situation is situations.QR_TIMEOUT


def test_connected_is_said_when_the_offline_sync_is_over() -> None:
    syncing, todo = transition(STARTING, events.Connected(ACCOUNT), MOMENT)
    connected = after(syncing, events.OfflineSyncDone())

    assert syncing.situation is situations.SYNCING
    assert reported(todo)["connected_at"] == NOW.isoformat()
    assert reported(todo)["lid"] == str(ANA_LID)
    assert connected.situation is situations.CONNECTED


def test_the_end_of_the_sync_may_be_announced_first() -> None:
    connected = after(STARTING, events.OfflineSyncDone(), events.Connected(ACCOUNT))

    assert connected.situation is situations.CONNECTED


def test_a_sync_whose_end_is_never_announced_is_over_after_a_while() -> None:
    syncing = after(STARTING, events.Connected(ACCOUNT))

    assert after(syncing, events.TimerFired(Timer.SYNC)).situation is (
        situations.CONNECTED
    )
    assert commands(ONLINE, events.TimerFired(Timer.SYNC)) == ()


def test_the_worker_is_asked_for_a_sign_of_life_while_online() -> None:
    assert commands(ONLINE, events.TimerFired(Timer.HEARTBEAT)) == (CheckWorker(),)


def test_a_sign_of_life_is_reported_and_forgives_failures() -> None:
    shaky = replace(ONLINE, failures=7)

    calm, todo = transition(shaky, events.WorkerAnswered(), MOMENT)

    assert calm.failures == 0
    assert reported(todo) == {"last_seen_at": NOW.isoformat()}
    assert Timer.HEARTBEAT in timers(todo)


def test_a_late_sign_of_life_does_not_hide_a_lost_connection() -> None:
    assert transition(OFFLINE, events.WorkerAnswered(), MOMENT) == (OFFLINE, ())


def test_a_silent_worker_is_killed_and_replaced() -> None:
    silent, todo = transition(ONLINE, events.WorkerSilent(), MOMENT)

    assert silent.situation is situations.WORKER_SILENT
    assert KillWorker in kinds(todo)
    assert Timer.RETRY in timers(todo)


@pytest.mark.parametrize(
    ("event", "situation"),
    [
        (events.KeyUnknown(), situations.STATE_KEY_UNKNOWN),
        (events.StateUnreadable(), situations.STATE_UNREADABLE),
    ],
)
def test_an_unknown_key_is_said_once_and_tried_again(
    event: events.Event, situation: Situation
) -> None:
    resting, todo = transition(STARTING, event, MOMENT)
    again = replace(resting, phase=Phase.STARTING)

    assert resting.situation is situation
    assert RecordEvent in kinds(todo)
    assert Timer.RETRY in timers(todo)
    assert RecordEvent not in kinds(commands(again, event))


def test_a_log_out_waits_for_keys_that_cannot_be_opened() -> None:
    leaving = replace(STARTING, wish=Wish.LOGGED_OUT)

    waiting, todo = transition(leaving, events.StateUnreadable(), MOMENT)
    online = after(waiting, events.TimerFired(Timer.RETRY), events.TurnCame())

    assert waiting.situation is situations.STATE_UNREADABLE
    assert DiscardStore not in kinds(todo)
    assert LogOutAtWhatsApp() in commands(online, events.Connected(ACCOUNT))


@pytest.mark.parametrize("paired", [True, False])
def test_a_log_out_asked_for_in_full_knowledge_gives_up_keys_that_nobody_can_open(
    *, paired: bool
) -> None:
    waiting = after(STARTING, events.StateUnreadable())
    later = Moment(NOW + READ_WITHIN, 0.5)

    left, todo = transition(waiting, events.LogOutWanted(paired=paired), later)

    assert left.situation is situations.KEYS_FORGOTTEN
    assert kinds(todo) == [RecordEvent, DiscardStore, Report]


def test_a_log_out_asked_for_twice_at_once_gives_up_nothing() -> None:
    leaving = replace(STARTING, wish=Wish.LOGGED_OUT)
    waiting = after(leaving, events.StateUnreadable())

    assert DiscardStore not in kinds(
        commands(waiting, events.LogOutWanted(paired=True))
    )


EVERYTHING: list[events.Event] = [
    events.ConnectWanted(revision=1),
    events.ConnectWanted(revision=2, pairing_phone="5511"),
    events.DisconnectWanted(),
    events.LogOutWanted(paired=True),
    events.LogOutWanted(paired=False),
    events.TurnCame(),
    events.WhatsAppBack(),
    events.Started(),
    events.QrShown("qr"),
    events.PairingCodeShown("AB-CD"),
    events.Paired(ACCOUNT),
    events.Connected(ACCOUNT),
    events.OfflineSyncDone(),
    events.Disconnected(),
    events.StreamError(515),
    events.LogOutDone(),
    events.LogOutFailed(),
    events.LoggedOut(401),
    events.Replaced(lease_is_ours=True),
    events.Banned(code=101, until=NOW + timedelta(minutes=1)),
    events.Replaced(lease_is_ours=False),
    events.KeepaliveTimeout(),
    events.ConnectError(),
    events.LaunchFailed(),
    events.KeyUnknown(),
    events.StateUnreadable(),
    events.WorkerAnswered(),
    events.WorkerSilent(),
    events.SpoolFull(),
    events.WorkerExited(-9),
    events.Outdated(),
    *(events.ConnectFailure(code) for code in (400, 409, 413, 503)),
    events.PairingFailed("timeout"),
    events.PairingFailed("error"),
    *(events.TimerFired(timer) for timer in Timer),
]


@given(st.lists(st.sampled_from(EVERYTHING), max_size=40))
def test_no_story_breaks_the_rules(story: list[events.Event]) -> None:
    session, alive = Session(), False
    for event in story:
        before = session.phase
        was_at_rest = before in (Phase.REST, Phase.WAITING)
        session, todo = transition(session, event, MOMENT)
        for command in todo:
            if isinstance(command, LaunchWorker):
                assert not alive, "two workers for one number"
                alive = True
            elif isinstance(command, StopWorker | KillWorker):
                alive = False
            elif isinstance(command, DiscardStore):
                assert not alive, "keys deleted under a worker"
        if before is not Phase.WAITING and session.phase is Phase.WAITING:
            assert AwaitTurn in kinds(todo), "it waits for what nobody asked for"
        if isinstance(event, events.WorkerExited) and not was_at_rest:
            alive = False
        assert alive is (session.phase not in (Phase.REST, Phase.WAITING))
        assert (session.pairing.expires_at is not None) is (
            session.phase is Phase.PAIRING
        )
        assert session.situation.code in SITUATIONS
        if session.situation.state in (State.CONNECTED, State.SYNCING):
            assert session.phase is Phase.ONLINE


def test_a_worker_that_is_gone_decides_nothing() -> None:
    at_rest = replace(AT_REST, situation=situations.UNLINKED)

    for event in EVERYTHING:
        if not isinstance(event, events.Wanted | events.TimerFired):
            assert transition(at_rest, event, MOMENT) == (at_rest, ()), event
