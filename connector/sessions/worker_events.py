"""What a worker signals, in the words of the lifecycle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from connector.domain import session_events as events
from connector.ports import Signal, WorkerEvent
from connector.sessions.held_lease import HeldLease


def understood(event: WorkerEvent, held: HeldLease) -> events.Event | None:
    """Translate an event; None when the lifecycle has no use for it."""
    if event.signal is Signal.REPLACED:
        return events.Replaced(
            lease_is_ours=held.trusted, soon_after_another=held.soon_after_another
        )
    if event.signal is Signal.DISCONNECTED:
        return events.Disconnected(lease_is_ours=held.trusted)
    translate = _TRANSLATIONS.get(event.signal)
    return translate(event) if translate else None


def _account(event: WorkerEvent) -> events.Account:
    return events.Account(jid=event.jid, lid=event.lid, push_name=event.push_name)


_TRANSLATIONS: Final[Mapping[Signal, Callable[[WorkerEvent], events.Event]]] = {
    Signal.STARTED: lambda _: events.Started(),
    Signal.QR: lambda event: events.QrShown(event.text or ""),
    Signal.PAIRING_CODE: lambda event: events.PairingCodeShown(event.text or ""),
    Signal.PAIRED: lambda event: events.Paired(_account(event)),
    Signal.PAIRING_FAILED: lambda event: events.PairingFailed(event.reason or ""),
    Signal.CONNECTED: lambda event: events.Connected(_account(event)),
    Signal.CONNECT_ERROR: lambda _: events.ConnectError(),
    Signal.KEEPALIVE_TIMEOUT: lambda _: events.KeepaliveTimeout(),
    Signal.LOGGED_OUT: lambda event: events.LoggedOut(event.code),
    Signal.BANNED: lambda event: events.Banned(code=event.code, until=event.until),
    Signal.OUTDATED: lambda _: events.Outdated(),
    Signal.CONNECT_FAILURE: lambda event: events.ConnectFailure(event.code),
    Signal.STREAM_ERROR: lambda event: events.StreamError(event.code),
    Signal.OFFLINE_SYNC_DONE: lambda _: events.OfflineSyncDone(),
    Signal.SPOOL_FULL: lambda _: events.SpoolFull(),
    Signal.EXITED: lambda event: events.WorkerExited(event.code),
}
