"""The moves that every part of the lifecycle is made of: launch, rest, retreat, report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from connector.domain.messages import Json
from connector.domain.pairing import Pairing
from connector.domain.retry import back_off
from connector.domain.session import Moment, Phase, Session, Timer
from connector.domain.session_commands import (
    AwaitTurn,
    Command,
    KillWorker,
    LaunchWorker,
    RecordEvent,
    Report,
    StartTimer,
    StopWorker,
)
from connector.domain.states import Situation, State

Step: TypeAlias = tuple[Session, tuple[Command, ...]]

ANSWER_WITHIN: Final = timedelta(seconds=30)  # from launch to a QR code or a login


def launch(session: Session, *, asked: bool = False) -> Step:
    """Start a worker when it is its turn; `asked`: a person has just asked for it.

    The situation shown stays until the worker says something.
    """
    waiting = replace(
        session,
        phase=Phase.WAITING,
        pairing=Pairing(),
        retry_at=None,
        synced=False,
    )
    return waiting, (AwaitTurn(asked=asked),)


def take_turn(session: Session) -> Step:
    if session.phase is not Phase.WAITING:
        return session, ()  # nothing is waited for any more
    starting = replace(session, phase=Phase.STARTING)
    timer = StartTimer(timer=Timer.ANSWER, after=ANSWER_WITHIN)
    return starting, (LaunchWorker(), timer)


def show(
    session: Session, situation: Situation, moment: Moment, **columns: Json
) -> tuple[Session, Report]:
    """Move to a situation and report it whole, so that no column of an earlier one stays.

    What may be scanned or typed is therefore gone as soon as pairing succeeds or ends.
    """
    shown = replace(session, situation=situation)
    return shown, Report(
        columns={
            "state": situation.state.value,
            "state_code": situation.code,
            "state_message": situation.message,
            "user_action": situation.user_action.value,
            **_settled_columns(shown),
            **_pairing_columns(shown.pairing),
            **_disconnected_columns(session, situation, moment.now),
            **columns,
        }
    )


def rest(
    session: Session,
    situation: Situation,
    moment: Moment,
    *,
    retry_after: timedelta | None = None,
    **columns: Json,
) -> Step:
    """Be without a worker: until a person asks again, or also until `retry_after`."""
    resting = replace(
        session,
        phase=Phase.REST,
        pairing=Pairing(),
        synced=False,
        retry_at=None if retry_after is None else moment.now + retry_after,
    )
    resting, report = show(resting, situation, moment, **columns)
    if retry_after is None:
        return resting, (report,)
    return resting, (report, StartTimer(timer=Timer.RETRY, after=retry_after))


def retreat(session: Session, situation: Situation, moment: Moment) -> Step:
    """Be without a worker and launch another one after the back-off."""
    failures = session.failures + 1
    failed = replace(session, failures=failures)
    return rest(
        failed, situation, moment, retry_after=back_off(failures, moment.chance)
    )


def first(command: Command, step: Step) -> Step:
    """Do `command` before the commands of `step`."""
    session, commands = step
    return session, (command, *commands)


def stopping(step: Step) -> Step:
    """Say what happened at once, then stop the worker in order."""
    return _ending(StopWorker(), step)


def killing(step: Step) -> Step:
    """Say what happened at once, then kill the worker."""
    return _ending(KillWorker(), step)


def _ending(command: Command, step: Step) -> Step:
    session, commands = step
    told = [c for c in commands if isinstance(c, Report | RecordEvent)]
    done = [c for c in commands if not isinstance(c, Report | RecordEvent)]
    return session, (*told, command, *done)


def _settled_columns(session: Session) -> Mapping[str, Json]:
    """What keeps a successor of this connector from trying again too early."""
    resting = session.phase is Phase.REST
    retry_at = session.retry_at if resting else None
    return {
        "settled_revision": session.revision if resting else None,
        "retry_at": retry_at.isoformat() if retry_at else None,
    }


def _pairing_columns(pairing: Pairing) -> Mapping[str, Json]:
    expires_at = pairing.expires_at
    return {
        "qr_code": pairing.qr,
        "pairing_code": pairing.code,
        "qr_expires_at": expires_at.isoformat() if expires_at else None,
    }


def _disconnected_columns(
    before: Session, situation: Situation, now: datetime
) -> Mapping[str, Json]:
    online = (State.CONNECTED, State.SYNCING)
    if before.situation.state in online and situation.state not in online:
        return {"disconnected_at": now.isoformat()}
    return {}
