"""WhatsApp: one worker process per linked number, its spool and its store."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Protocol

from connector.domain.addresses import Jid
from connector.domain.look_ups import GroupAnswer, NumberAnswer, PictureAnswer
from connector.domain.outgoing import (
    OutgoingMessage,
    OutgoingRead,
    Typing,
    Uploaded,
)
from connector.domain.presence import Presence
from connector.ports.core import SessionId
from connector.ports.files import SealedFile
from connector.ports.spool import Spool
from connector.ports.supabase import SessionRow


class Signal(enum.StrEnum):
    """What a worker reports about its connection; data per signal in WorkerEvent."""

    STARTED = "started"  # neonize is loaded, commands are answered
    QR = "qr"  # text
    PAIRING_CODE = "pairing_code"  # text
    PAIRED = "paired"  # jid, lid
    PAIRING_FAILED = "pairing_failed"  # reason: timeout, error, …
    CONNECTED = "connected"  # jid, lid, push_name
    CONNECT_ERROR = "connect_error"  # the first dial failed; reason
    DISCONNECTED = "disconnected"
    KEEPALIVE_TIMEOUT = "keepalive_timeout"
    KEEPALIVE_RESTORED = "keepalive_restored"
    LOGGED_OUT = "logged_out"  # code 401, 403 or 406; on_connect
    REPLACED = "replaced"
    BANNED = "banned"  # code 101…, until
    OUTDATED = "outdated"  # failure 405
    CONNECT_FAILURE = "connect_failure"  # any other <failure>; code
    STREAM_ERROR = "stream_error"  # code
    OFFLINE_SYNC_DONE = "offline_sync_done"
    SPOOLED = "spooled"  # something new to read
    SPOOL_FULL = "spool_full"
    EXITED = "exited"  # the process ended; always the last event; code


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEvent:
    signal: Signal
    text: str | None = None
    code: int | None = None
    reason: str | None = None
    jid: Jid | None = None
    lid: Jid | None = None
    push_name: str | None = None
    until: datetime | None = None
    on_connect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """WhatsApp's acknowledgement of one message."""

    whatsapp_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A message that an interrupted send had already begun (docs/outbox.md)."""

    whatsapp_id: str


class Worker(Protocol):
    """One number's process. Every method raises WorkerGone when the process is gone."""

    def events(self) -> AsyncIterator[WorkerEvent]:
        """Events in order; ends after EXITED."""

    async def connect(self, *, pairing_phone: str | None) -> None:
        """Dial and, when the store is empty, pair: by code when a phone is given."""

    async def may_log_in(self, until: float) -> None:
        """Say until when it may dial by itself, by the monotonic clock.

        When it loses its connection later than that, its process ends instead: somebody
        else may have the number by then. Before this is said for the first time it may.
        """

    async def send(
        self,
        to: Jid,
        message: OutgoingMessage,
        secret: bytes,
        *,
        begin_by: float = inf,
    ) -> Sent:
        """Send one message whose stored secret (32 bytes) is `secret`.

        Past `begin_by`, by the monotonic clock, it is not begun (NotConnected): somebody
        else may have the right to send it by then.
        Several may be under way: they leave in the order of these calls, and once one
        fails, those already waiting behind it are not begun (NotConnected).
        Raises NotConnected, RecipientUnknown, SendRefused, SendUncertain.
        """

    async def upload(self, file: SealedFile) -> Uploaded:
        """Bring a file to WhatsApp's servers. Raises NotConnected, UploadFailed."""

    async def mark_read(self, read: OutgoingRead) -> None:
        """Tick messages as read. Raises NotConnected, SendFailed; twice is once."""

    async def show_typing(self, chat: Jid, typing: Typing) -> None:
        """Raises NotConnected, SendFailed."""

    async def group_info(self, jid: Jid) -> GroupAnswer:
        """Ask for a group. Raises NotConnected, LookupRefused, as all questions do."""

    async def profile_picture(self, jid: Jid, known_id: str | None) -> PictureAnswer:
        """Ask for the picture of a person or group; `known_id` is the one we have."""

    async def look_up(self, numbers: Sequence[str]) -> Sequence[NumberAnswer]:
        """Ask whom at most 50 phone numbers (digits) belong to."""

    async def show_online(self, *, online: bool) -> None:
        """Say whether somebody looks at our messages: only then typing is told."""

    async def presences(self) -> Sequence[Presence]:
        """Wait for news of who types or is online; the newest of each person."""

    async def ping(self) -> None:
        """Returns when the process answers."""

    async def disconnect(self) -> None:
        """Close the socket; what was received is still written to the spool."""

    async def log_out(self) -> None:
        """Unlink this device at WhatsApp and forget its keys."""

    async def stop(self) -> None:
        """Planned stop: disconnect, drain into the spool, exit. Idempotent."""

    async def kill(self) -> None:
        """End the process at once, whatever it is doing; returns when it is gone."""


class Launcher(Protocol):
    async def launch(self, session: SessionRow, term: int) -> Worker:
        """Start the session's process; it does not connect by itself.

        Raises WorkerGone, OSError. A cancelled launch leaves no process behind.
        """

    def spool(self, session_id: SessionId) -> Spool: ...
    def spools(self) -> Sequence[SessionId]:
        """Every session that has a spool on this machine, be it empty."""

    def device_store(self, session_id: SessionId) -> DeviceStore: ...


class DeviceStore(Protocol):
    """The session's WhatsApp store on this machine, read without touching it."""

    def lineage(self) -> str:
        """Names this very copy of the store; a restored or new one has another."""

    def is_paired(self) -> bool: ...
    async def is_known(self, phone: Jid) -> bool:
        """Whether WhatsApp has told this device whose phone address that is."""

    async def find_attempt(self, secret: bytes) -> Attempt | None:
        """The message that was last begun with this secret, if any."""

    def discard(self) -> None:
        """Delete the store: WhatsApp has revoked its keys. The worker must be gone."""
