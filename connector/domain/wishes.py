"""What follows when a user changes `wa_sessions.desired_state`, or writes it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from connector.domain import situations
from connector.domain.session import Moment, Phase, Session, Wish
from connector.domain.session_commands import (
    DiscardStore,
    KillWorker,
    LogOutAtWhatsApp,
    RecordEvent,
    StopWorker,
)
from connector.domain.session_events import (
    ConnectWanted,
    DisconnectWanted,
    Wanted,
)
from connector.domain.states import Situation
from connector.domain.steps import Step, first, killing, launch, rest, show

# Who asks sooner has not read it: a double click, or an app that tries once more.
READ_WITHIN: Final = timedelta(seconds=3)
ANSWERING = (Phase.STARTING, Phase.PAIRING)


def grant(session: Session, wanted: Wanted, moment: Moment) -> Step:
    match wanted:
        case ConnectWanted():
            return _connect(session, wanted, moment)
        case DisconnectWanted():
            wishing = replace(session, wish=Wish.DISCONNECTED)
            step = rest(wishing, situations.DISCONNECTED, moment)
            # Said when it is true: only once the worker is gone.
            return step if session.phase is Phase.REST else first(StopWorker(), step)
        case _:
            wishing = replace(session, wish=Wish.LOGGED_OUT)
            return _log_out(wishing, moment, paired=wanted.paired)


def _connect(session: Session, wanted: ConnectWanted, moment: Moment) -> Step:
    asked_again = (
        session.wish is not Wish.CONNECTED or wanted.revision > session.revision
    )
    # The first wish that a connector hears of may be as old as the session.
    by_person = asked_again and session.revision >= 0
    wishing = replace(
        session,
        wish=Wish.CONNECTED,
        revision=wanted.revision,
        pairing_phone=wanted.pairing_phone,
    )
    if session.phase is Phase.REST:
        if not asked_again:
            return wishing, ()
        return wait_out_ban(wishing, moment) or _start(wishing, moment, asked=by_person)
    if session.phase is Phase.WAITING and asked_again:
        return _start(wishing, moment, asked=by_person)
    if session.phase in ANSWERING and wanted.pairing_phone != session.pairing_phone:
        return killing(_start(wishing, moment, asked=True))
    return wishing, ()


def _start(session: Session, moment: Moment, *, asked: bool) -> Step:
    starting, commands = launch(replace(session, failures=0, crashes=0), asked=asked)
    shown, report = show(starting, situations.STARTING, moment)
    return shown, (report, *commands)


def wait_out_ban(session: Session, moment: Moment) -> Step | None:
    """Stay away until a ban ends, whoever asks: a login meanwhile makes it longer."""
    until = session.banned_until
    if until is None or until <= moment.now:
        return None
    situation = situations.temporary_ban(None, until)
    return rest(session, situation, moment, retry_after=until - moment.now)


def _log_out(session: Session, moment: Moment, *, paired: bool) -> Step:
    if _shows_unreadable(session, moment):
        return _give_up_keys(session, moment)
    if not paired:
        forgotten = forget(session, moment)
        at_rest = session.phase is Phase.REST
        return forgotten if at_rest else first(KillWorker(), forgotten)
    if session.phase is Phase.ONLINE:
        return session, (LogOutAtWhatsApp(),)
    if session.phase is Phase.REST and (banned := wait_out_ban(session, moment)):
        return banned
    shown, report = show(session, situations.LOGGING_OUT, moment)
    if session.phase is not Phase.REST:
        return shown, (report,)
    starting, commands = launch(shown)
    return starting, (report, *commands)


def _shows_unreadable(session: Session, moment: Moment) -> bool:
    since = session.unreadable_since
    return (
        session.situation is situations.STATE_UNREADABLE
        and session.phase in (Phase.REST, Phase.WAITING)
        and since is not None
        and moment.now - since >= READ_WITHIN
    )


def _give_up_keys(session: Session, moment: Moment) -> Step:
    """Whoever asks has read that they cannot be opened, and what this leads to."""
    forgotten = situations.KEYS_FORGOTTEN
    record = RecordEvent(level="warning", situation=forgotten, details={})
    return first(record, forget(session, moment, forgotten))


def forget(
    session: Session, moment: Moment, situation: Situation = situations.LOGGED_OUT
) -> Step:
    """Delete the keys, now that WhatsApp no longer knows them; the worker is gone."""
    step = rest(replace(session, failures=0), situation, moment)
    return first(DiscardStore(), step)
