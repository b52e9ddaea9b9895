"""What a session's runner must now do, in the order given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from connector.domain.messages import Json
from connector.domain.session import Timer
from connector.domain.states import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitTurn:
    """Answered by TurnCame, now or later: many numbers do not log in at once."""

    asked: bool  # a person has just asked for it, and watches


@dataclass(frozen=True, slots=True)
class LaunchWorker: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    pairing_phone: str | None


@dataclass(frozen=True, slots=True)
class StopWorker:
    """In order, so that nothing received is lost; kills it when that takes too long."""


@dataclass(frozen=True, slots=True)
class KillWorker:
    """At once: it is stuck, or there is nothing left to drain."""


@dataclass(frozen=True, slots=True)
class LogOutAtWhatsApp:
    """Answered by LogOutDone or LogOutFailed."""


@dataclass(frozen=True, slots=True)
class DiscardStore: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTimer:
    timer: Timer
    after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Columns of `wa_sessions`; times are ISO 8601."""

    columns: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvent:
    """A row of `wa_events`: something a person may have to look at."""

    level: str  # info, warning, error
    situation: Situation
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckWorker:
    """Whether it still answers: WorkerAnswered or WorkerSilent."""


WorkerCommand: TypeAlias = (
    CheckWorker
    | LaunchWorker
    | Connect
    | StopWorker
    | KillWorker
    | LogOutAtWhatsApp
    | DiscardStore
)
Command: TypeAlias = WorkerCommand | AwaitTurn | StartTimer | Report | RecordEvent
