"""Sessions in every phase of the lifecycle, and what a transition asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connector.domain import session_events as events
from connector.domain import situations
from connector.domain.addresses import Jid
from connector.domain.lifecycle import transition
from connector.domain.pairing import Pairing
from connector.domain.session import Moment, Phase, Session, Timer, Wish
from connector.domain.session_commands import (
    Command,
    Report,
    StartTimer,
)

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
MOMENT = Moment(NOW, 0.5)
ANA = Jid.parse("5511912345678@s.whatsapp.net")
ANA_LID = Jid.parse("123456789012345@lid")
ACCOUNT = events.Account(jid=ANA, lid=ANA_LID, push_name="Ana")

AT_REST = Session()
STARTING = Session(
    wish=Wish.CONNECTED,
    revision=1,
    phase=Phase.STARTING,
    situation=situations.STARTING,
)
PAIRING = replace(
    STARTING,
    phase=Phase.PAIRING,
    situation=situations.QR_READY,
    pairing=Pairing().show_qr("qr one", NOW),
)
ONLINE = replace(
    STARTING, phase=Phase.ONLINE, situation=situations.CONNECTED, synced=True
)
OFFLINE = replace(ONLINE, phase=Phase.OFFLINE, situation=situations.CONNECTION_LOST)
# What leads from a planned retry to a worker.
TRIES = (events.TimerFired(Timer.RETRY), events.TurnCame())
WORKING = (STARTING, PAIRING, ONLINE, OFFLINE)


def after(session: Session, *happened: events.Event) -> Session:
    for event in happened:
        session, _ = transition(session, event, MOMENT)
    return session


def commands(session: Session, event: events.Event) -> tuple[Command, ...]:
    return transition(session, event, MOMENT)[1]


def kinds(todo: tuple[Command, ...]) -> list[type]:
    return [type(command) for command in todo]


def reported(todo: tuple[Command, ...]) -> dict[str, object]:
    columns: dict[str, object] = {}
    for command in todo:
        if isinstance(command, Report):
            columns |= command.columns
    return columns


def timers(todo: tuple[Command, ...]) -> dict[Timer, timedelta]:
    return {
        command.timer: command.after
        for command in todo
        if isinstance(command, StartTimer)
    }
