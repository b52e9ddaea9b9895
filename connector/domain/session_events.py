"""What may happen to a session: wishes, what its worker says, and time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from connector.domain.addresses import Jid
from connector.domain.session import Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectWanted:
    revision: int
    pairing_phone: str | None = None


@dataclass(frozen=True, slots=True)
class DisconnectWanted: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOutWanted:
    paired: bool  # whether there are keys to unlink with, be it that none can be opened


@dataclass(frozen=True, slots=True)
class TurnCame: ...


@dataclass(frozen=True, slots=True)
class WhatsAppBack:
    """It answered another number, after it had answered nobody for a while."""


@dataclass(frozen=True, slots=True)
class Started: ...


@dataclass(frozen=True, slots=True)
class QrShown:
    text: str


@dataclass(frozen=True, slots=True)
class PairingCodeShown:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who is linked, as far as it was said."""

    jid: Jid | None = None
    lid: Jid | None = None
    push_name: str | None = None


@dataclass(frozen=True, slots=True)
class Paired:
    account: Account


@dataclass(frozen=True, slots=True)
class PairingFailed:
    reason: str


@dataclass(frozen=True, slots=True)
class Connected:
    account: Account


@dataclass(frozen=True, slots=True)
class OfflineSyncDone: ...


@dataclass(frozen=True, slots=True)
class ConnectError: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    lease_is_ours: bool = True  # surely, by our own clock


@dataclass(frozen=True, slots=True)
class StreamError:
    code: int | None


@dataclass(frozen=True, slots=True)
class KeepaliveTimeout: ...


@dataclass(frozen=True, slots=True)
class LoggedOut:
    code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    lease_is_ours: bool  # surely, by our own clock
    soon_after_another: bool = False  # who had it before us may not know of us yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Banned:
    code: int | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Outdated: ...


@dataclass(frozen=True, slots=True)
class ConnectFailure:
    code: int | None


@dataclass(frozen=True, slots=True)
class SpoolFull: ...


@dataclass(frozen=True, slots=True)
class WorkerExited:
    code: int | None


@dataclass(frozen=True, slots=True)
class LaunchFailed: ...


@dataclass(frozen=True, slots=True)
class KeyUnknown:
    """The spool was sealed with a key that WA_STATE_KEY does not have."""


@dataclass(frozen=True, slots=True)
class StateUnreadable:
    """The saved keys of the number cannot be opened, and are newer than ours."""


@dataclass(frozen=True, slots=True)
class WorkerAnswered: ...


@dataclass(frozen=True, slots=True)
class WorkerSilent: ...


@dataclass(frozen=True, slots=True)
class LogOutDone: ...


@dataclass(frozen=True, slots=True)
class LogOutFailed: ...


@dataclass(frozen=True, slots=True)
class TimerFired:
    timer: Timer


Wanted: TypeAlias = ConnectWanted | DisconnectWanted | LogOutWanted
PairingStep: TypeAlias = QrShown | PairingCodeShown | Paired | PairingFailed
Going: TypeAlias = Started | Connected | OfflineSyncDone | LogOutDone | WorkerAnswered
Trouble: TypeAlias = (
    ConnectError
    | Disconnected
    | StreamError
    | KeepaliveTimeout
    | SpoolFull
    | WorkerExited
    | LaunchFailed
    | KeyUnknown
    | StateUnreadable
    | WorkerSilent
    | LogOutFailed
)
Refusal: TypeAlias = LoggedOut | Replaced | Banned | Outdated | ConnectFailure
WorkerSaid: TypeAlias = PairingStep | Going | Trouble | Refusal
Turned: TypeAlias = TurnCame | WhatsAppBack
Event: TypeAlias = Wanted | WorkerSaid | TimerFired | Turned
