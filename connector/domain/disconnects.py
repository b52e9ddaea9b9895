"""What follows when a connection ends, fails or is refused.

Two kinds: trouble, where launching another worker helps (after the back-off), and
refusals, where WhatsApp has said why and only time or a person helps.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from connector.domain import situations
from connector.domain.crashes import after_crash
from connector.domain.retry import slow_probe
from connector.domain.session import Moment, Phase, Session, Timer, Wish
from connector.domain.session_commands import (
    DiscardStore,
    KillWorker,
    RecordEvent,
    StartTimer,
)
from connector.domain.session_events import (
    Banned,
    ConnectError,
    Disconnected,
    KeepaliveTimeout,
    KeyUnknown,
    LaunchFailed,
    LoggedOut,
    LogOutFailed,
    Outdated,
    Refusal,
    Replaced,
    SpoolFull,
    StateUnreadable,
    StreamError,
    Trouble,
    WorkerSilent,
)
from connector.domain.states import Situation
from connector.domain.steps import Step, first, killing, rest, retreat, show, stopping
from connector.domain.wishes import forget

RESTART_REQUIRED: Final = 515  # part of pairing; the client redials at once
# neonize redials 2 s later for every failure in a row: the third attempt is then due.
COMEBACK_WITHIN: Final = timedelta(seconds=20)
KILLED: Final = -9  # by SIGKILL, and not by us: the kernel, for want of memory
MOST_CONTESTS: Final = 3
ROOM_CHECK: Final = timedelta(minutes=1)
KEY_CHECK: Final = timedelta(minutes=1)


class Remedy(enum.Enum):
    """What may help after a refused login."""

    BACK_OFF = enum.auto()
    SLOW_PROBE = enum.auto()
    PERSON = enum.auto()


# <failure reason="…"> other than 401, 402, 403, 405, 406, which have events of their own
# (whatsmeow, types/events: ConnectFailureReason).
CONNECT_FAILURES: Final[Mapping[int, tuple[Situation, Remedy]]] = {
    400: (situations.LOGIN_REFUSED, Remedy.BACK_OFF),
    409: (situations.CONNECT_FAILURE, Remedy.SLOW_PROBE),
    413: (situations.CONNECT_FAILURE, Remedy.PERSON),
    414: (situations.CONNECT_FAILURE, Remedy.PERSON),
    415: (situations.CONNECT_FAILURE, Remedy.PERSON),
    418: (situations.CONNECT_FAILURE, Remedy.PERSON),
    500: (situations.SERVER_UNAVAILABLE, Remedy.BACK_OFF),
    501: (situations.CONNECT_FAILURE, Remedy.SLOW_PROBE),
    503: (situations.SERVER_UNAVAILABLE, Remedy.BACK_OFF),
}
UNKNOWN_FAILURE: Final = (situations.CONNECT_FAILURE, Remedy.SLOW_PROBE)

LOGOUTS: Final[Mapping[int | None, Situation]] = {
    401: situations.UNLINKED,
    403: situations.MAIN_DEVICE_GONE,
    406: situations.UNKNOWN_LOGOUT,
}


def recover(session: Session, trouble: Trouble, moment: Moment) -> Step:
    match trouble:
        case Disconnected():
            return _after_disconnect(session, trouble, moment)
        case StreamError(code=code):
            return _after_stream_error(session, code, moment)
        case KeepaliveTimeout():
            # neonize itself would need 206 s to notice a half-open socket.
            return stopping(retreat(session, situations.KEEPALIVE_TIMEOUT, moment))
        case ConnectError():
            return killing(retreat(session, situations.CONNECT_ERROR, moment))
        case WorkerSilent():
            return killing(after_crash(session, situations.WORKER_SILENT, moment))
        case KeyUnknown() | StateUnreadable():
            return killing(_wait_for_key(session, trouble, moment))
        case LaunchFailed():
            return killing(after_crash(session, situations.LAUNCH_FAILED, moment))
        case LogOutFailed():
            return stopping(retreat(session, situations.LOGGING_OUT, moment))
        case SpoolFull():
            return _wait_for_room(session, moment)
        case _:
            killed = trouble.code == KILLED
            ended = situations.WORKER_KILLED if killed else situations.WORKER_EXITED
            record = _record("warning", ended, trouble.code)
            return after_crash(session, ended, moment, record=record)


def accept_refusal(session: Session, refusal: Refusal, moment: Moment) -> Step:
    match refusal:
        case LoggedOut(code=code):
            return _after_logout(session, code, moment)
        case Replaced(lease_is_ours=True):
            return _after_another_login(session, refusal, moment)
        case Replaced():
            return stopping(retreat(session, situations.TAKEN_OVER, moment))
        case Banned():
            return _after_ban(session, refusal, moment)
        case Outdated():
            outdated = (situations.CLIENT_OUTDATED, Remedy.SLOW_PROBE)
            return _after_failure(session, None, outdated, moment)
        case _:
            failure = CONNECT_FAILURES.get(refusal.code or 0, UNKNOWN_FAILURE)
            return _after_failure(session, refusal.code, failure, moment)


def _after_another_login(session: Session, login: Replaced, moment: Moment) -> Step:
    if login.soon_after_another and session.contests < MOST_CONTESTS:
        # It slept, or was cut off; thrown out by us, it asks for a lease first.
        contested = replace(session, contests=session.contests + 1)
        return stopping(retreat(contested, situations.CONTESTED, moment))
    # Somebody copied the keys: taking the socket back would only alternate.
    record = _record("error", situations.REPLACED, None)
    return stopping(first(record, rest(session, situations.REPLACED, moment)))


def _await_comeback(session: Session, situation: Situation, moment: Moment) -> Step:
    if session.phase is not Phase.ONLINE:
        return session, ()  # an ANSWER or COMEBACK timer is running already
    offline = replace(session, phase=Phase.OFFLINE, synced=False)
    shown, report = show(offline, situation, moment)
    return shown, (report, StartTimer(timer=Timer.COMEBACK, after=COMEBACK_WITHIN))


def _after_disconnect(session: Session, loss: Disconnected, moment: Moment) -> Step:
    if loss.lease_is_ours:
        return _await_comeback(session, situations.CONNECTION_LOST, moment)
    # It would redial by itself, and throw out whoever has the number by now.
    return killing(retreat(session, situations.CONNECTION_LOST, moment))


def _after_stream_error(session: Session, code: int | None, moment: Moment) -> Step:
    if code == RESTART_REQUIRED:
        return session, ()
    record = _record("warning", situations.STREAM_ERROR, code)
    return first(record, _await_comeback(session, situations.STREAM_ERROR, moment))


def _wait_for_key(
    session: Session, trouble: KeyUnknown | StateUnreadable, moment: Moment
) -> Step:
    """To log out, too: without the keys the phone would stay linked."""
    unreadable = isinstance(trouble, StateUnreadable)
    situation = (
        situations.STATE_UNREADABLE if unreadable else situations.STATE_KEY_UNKNOWN
    )
    said_already = session.situation is situation
    since = session.unreadable_since if said_already else moment.now
    waiting = replace(session, unreadable_since=since)
    step = rest(waiting, situation, moment, retry_after=KEY_CHECK)
    return step if said_already else first(_record("error", situation, None), step)


def _wait_for_room(session: Session, moment: Moment) -> Step:
    record = _record("error", situations.SPOOL_FULL, None)
    step = rest(session, situations.SPOOL_FULL, moment, retry_after=ROOM_CHECK)
    return stopping(
        step if session.situation.code == "spool_full" else first(record, step)
    )


def _after_logout(session: Session, code: int | None, moment: Moment) -> Step:
    if session.wish is Wish.LOGGED_OUT:
        return first(KillWorker(), forget(session, moment))
    situation = LOGOUTS.get(code, situations.UNKNOWN_LOGOUT)
    record = _record("error", situation, code)
    unlinked = first(DiscardStore(), rest(session, situation, moment))
    return killing(first(record, unlinked))


def _after_ban(session: Session, ban: Banned, moment: Moment) -> Step:
    situation = situations.temporary_ban(ban.code, ban.until)
    until = ban.until or moment.now + slow_probe(moment.chance)
    step = rest(
        replace(session, banned_until=until),
        situation,
        moment,
        retry_after=max(until - moment.now, timedelta(0)),
        paused_until=until.isoformat(),
        pause_reason=situation.code,
    )
    return killing(first(_record("error", situation, ban.code), step))


def _after_failure(
    session: Session,
    code: int | None,
    failure: tuple[Situation, Remedy],
    moment: Moment,
) -> Step:
    situation, remedy = failure
    if remedy is Remedy.BACK_OFF:
        return killing(retreat(session, situation, moment))
    slowly = slow_probe(moment.chance) if remedy is Remedy.SLOW_PROBE else None
    step = rest(session, situation, moment, retry_after=slowly)
    if session.situation.code == situation.code:
        return killing(step)  # a probe found what is known already
    return killing(first(_record("error", situation, code), step))


def _record(level: str, situation: Situation, code: int | None) -> RecordEvent:
    return RecordEvent(
        level=level, situation=situation, details={} if code is None else {"code": code}
    )
