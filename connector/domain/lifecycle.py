"""Lifecycle of one WhatsApp session, as a pure transition function.

Nothing here awaits, logs or reads a clock. The runner feeds events in and carries out
the commands that come back. The states are drawn in situations.py; inside, a session is
in one of six phases:

    REST -> WAITING -> STARTING -> PAIRING -> STARTING -> ONLINE <-> OFFLINE
     ^                    |           |          |          |           |
     +--------------------+-----------+----------+----------+-----------+   trouble, refusals

Every worker that is stuck is replaced by another one; every wait for one has a timer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Final

from connector.domain import situations
from connector.domain.disconnects import accept_refusal, recover
from connector.domain.messages import Json
from connector.domain.pairing import WHOLE_ATTEMPT, Pairing
from connector.domain.session import Moment, Phase, Session, Timer, Wish
from connector.domain.session_commands import (
    CheckWorker,
    Connect,
    DiscardStore,
    KillWorker,
    LogOutAtWhatsApp,
    RecordEvent,
    Report,
    StartTimer,
)
from connector.domain.session_events import (
    Account,
    Connected,
    Event,
    Going,
    OfflineSyncDone,
    Paired,
    PairingCodeShown,
    PairingStep,
    QrShown,
    Refusal,
    Started,
    TimerFired,
    TurnCame,
    Turned,
    Wanted,
    WorkerAnswered,
)
from connector.domain.states import Situation, State
from connector.domain.steps import (
    ANSWER_WITHIN,
    Step,
    first,
    killing,
    launch,
    rest,
    retreat,
    show,
    stopping,
    take_turn,
)
from connector.domain.wishes import forget, grant

PAIRING_END: Final = WHOLE_ATTEMPT + timedelta(seconds=15)
SYNC_WITHIN: Final = timedelta(seconds=10)
HEARTBEAT: Final = timedelta(seconds=30)

# What all numbers meet while WhatsApp is away, and one alone when its own line is.
OUTAGES: Final = (
    situations.CONNECTION_LOST,
    situations.KEEPALIVE_TIMEOUT,
    situations.STREAM_ERROR,
    situations.CONNECT_ERROR,
    situations.SERVER_UNAVAILABLE,
    situations.NOT_RESPONDING,
)
PAIRING_FAILURES: Final = {
    "timeout": situations.QR_TIMEOUT,
    "err-client-outdated": situations.CLIENT_OUTDATED,
    "err-scanned-without-multidevice": situations.PHONE_UNSUPPORTED,
}

_REASON_CODE: Final = re.compile(r"[a-z-]{1,40}")


def transition(session: Session, event: Event, moment: Moment) -> Step:
    """Return the next session and what to do now, in order."""
    if isinstance(event, Wanted):
        return grant(session, event, moment)
    if isinstance(event, TimerFired):
        return _on_time(session, event.timer, moment)
    if isinstance(event, Turned):
        return _on_turn(session, event)
    if session.phase in (Phase.REST, Phase.WAITING):
        return session, ()  # an echo of a worker that is gone
    if isinstance(event, PairingStep):
        return _on_pairing(session, event, moment)
    if isinstance(event, Going):
        return _on_going(session, event, moment)
    if isinstance(event, Refusal):
        return accept_refusal(session, event, moment)
    return recover(session, event, moment)


def _on_turn(session: Session, event: Turned) -> Step:
    if isinstance(event, TurnCame):
        return take_turn(session)
    backs_off = session.phase is Phase.REST and session.retry_at is not None
    if backs_off and session.situation in OUTAGES:
        return launch(session)
    return session, ()


def _on_pairing(session: Session, event: PairingStep, moment: Moment) -> Step:
    match event:
        case QrShown(text=text):
            shown = session.pairing.show_qr(text, moment.now)
            return _show_pairing(session, shown, situations.QR_READY, moment)
        case PairingCodeShown(text=text):
            shown = session.pairing.show_code(text, moment.now)
            return _show_pairing(session, shown, situations.PAIRING_CODE_READY, moment)
        case Paired(account=account):
            paired = replace(session, phase=Phase.STARTING, pairing=Pairing())
            # The phone sends its history from here on, and only then.
            after, report = show(
                paired,
                situations.PAIRED,
                moment,
                sync_state="running",
                sync_progress=0,
                linked_at=moment.now.isoformat(),
                **_account_columns(account),
            )
            timer = StartTimer(timer=Timer.ANSWER, after=ANSWER_WITHIN)
            return after, (report, timer)
        case _:
            return _pairing_failed(session, event.reason, moment)


def _show_pairing(
    session: Session, pairing: Pairing, situation: Situation, moment: Moment
) -> Step:
    if session.wish is Wish.LOGGED_OUT:
        return first(KillWorker(), forget(session, moment))  # nothing was linked
    if pairing is session.pairing:
        return session, ()
    shown, report = show(
        replace(session, phase=Phase.PAIRING, pairing=pairing), situation, moment
    )
    if session.phase is Phase.PAIRING:
        return shown, (report,)
    return shown, (report, StartTimer(timer=Timer.PAIRING_END, after=PAIRING_END))


def _pairing_failed(session: Session, reason: str, moment: Moment) -> Step:
    situation = PAIRING_FAILURES.get(reason, situations.PAIRING_FAILED)
    if situation is situations.PAIRING_FAILED and _waits_for_code(session):
        situation = situations.PAIRING_CODE_REFUSED
    step = rest(session, situation, moment)
    if situation is situations.QR_TIMEOUT:
        return killing(step)
    # A reason that is no bare code is the client's prose and may quote anything.
    shown = reason if _REASON_CODE.fullmatch(reason) else "error"
    record = RecordEvent(
        level="warning", situation=situation, details={"reason": shown}
    )
    return killing(first(record, step))


def _waits_for_code(session: Session) -> bool:
    return session.pairing_phone is not None and session.pairing.code is None


def _on_going(session: Session, event: Going, moment: Moment) -> Step:
    match event:
        case Started():
            return session, (Connect(pairing_phone=session.pairing_phone),)
        case Connected(account=account):
            return _go_online(session, account, moment)
        case OfflineSyncDone():
            return _end_sync(replace(session, synced=True), moment)
        case WorkerAnswered():
            return _beat(session, moment)
        case _:
            return _after_log_out(session, moment)


def _after_log_out(session: Session, moment: Moment) -> Step:
    if session.wish is Wish.LOGGED_OUT:
        return first(KillWorker(), forget(session, moment))
    # The user changed their mind too late: the keys are gone, so link anew.
    starting, commands = launch(session)
    shown, report = show(starting, situations.STARTING, moment)
    return killing((shown, (DiscardStore(), report, *commands)))


def _go_online(session: Session, account: Account, moment: Moment) -> Step:
    online = replace(session, phase=Phase.ONLINE, pairing=Pairing(), banned_until=None)
    situation = situations.CONNECTED if online.synced else situations.SYNCING
    shown, report = show(
        online,
        situation,
        moment,
        connected_at=moment.now.isoformat(),
        last_seen_at=moment.now.isoformat(),
        **_pause_columns(session),
        **_account_columns(account),
    )
    timers = (
        StartTimer(timer=Timer.SYNC, after=SYNC_WITHIN),
        StartTimer(timer=Timer.HEARTBEAT, after=HEARTBEAT),
    )
    if session.wish is Wish.LOGGED_OUT:
        return shown, (report, *timers, LogOutAtWhatsApp())
    return shown, (report, *timers)


def _end_sync(session: Session, moment: Moment) -> Step:
    if session.situation.state is not State.SYNCING:
        return session, ()  # it may end before the login is announced
    shown, report = show(session, situations.CONNECTED, moment)
    return shown, (report,)


def _on_time(session: Session, timer: Timer, moment: Moment) -> Step:
    match timer, session.phase:
        case Timer.RETRY, Phase.REST if session.retry_at is not None:
            return launch(session)
        case Timer.ANSWER, Phase.STARTING:
            return killing(retreat(session, situations.NOT_RESPONDING, moment))
        case Timer.PAIRING_END, Phase.PAIRING:
            return killing(rest(session, situations.QR_TIMEOUT, moment))
        case Timer.COMEBACK, Phase.OFFLINE:
            return stopping(retreat(session, session.situation, moment))
        case Timer.SYNC, Phase.ONLINE:
            return _end_sync(session, moment)
        case Timer.HEARTBEAT, Phase.ONLINE:
            return session, (CheckWorker(),)
        case _:
            return session, ()  # what it was waiting for has happened


def _beat(session: Session, moment: Moment) -> Step:
    if session.phase is not Phase.ONLINE:
        return session, ()
    # Failures are forgiven only now: a connection that dies at once must back off.
    report = Report(columns={"last_seen_at": moment.now.isoformat()})
    timer = StartTimer(timer=Timer.HEARTBEAT, after=HEARTBEAT)
    return replace(session, failures=0, crashes=0), (report, timer)


def _pause_columns(session: Session) -> dict[str, Json]:
    # Only the pause of a ban ends with a login; others belong to delivery.
    if session.banned_until is None:
        return {}
    return {"paused_until": None, "pause_reason": None}


def _account_columns(account: Account) -> dict[str, Json]:
    known = {
        "jid": str(account.jid) if account.jid else None,
        "lid": str(account.lid) if account.lid else None,
        "phone_number": account.jid.phone_number if account.jid else None,
        "push_name": account.push_name,
    }
    return {column: value for column, value in known.items() if value is not None}
