"""Connection events: neonize's raw protobufs as the WorkerEvents of our ports.

The codes are WhatsApp's own numbers; neonize turned them into enums of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from google.protobuf.message import DecodeError

from connector.adapters.whatsapp.bounds import LONGEST_NAME, clean
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.identity import jid_of
from connector.adapters.whatsapp.protobufs import events
from connector.errors import InvalidAddress
from connector.ports import Signal, WorkerEvent

LONGEST_BAN: Final = timedelta(days=3650)

# whatsmeow types/events/events.go, ConnectFailureReason and TempBanReason.
_FAILURES: Final[Mapping[int, int]] = {
    events.ConnectFailureReason.Value(name): number
    for name, number in {
        "GENERIC": 400,
        "LOGGED_OUT": 401,
        "TEMP_BANNED": 402,
        "MAIN_DEVICE_GONE": 403,
        "UNKNOWN_LOGOUT": 406,
        "CLIENT_OUTDATED": 405,
        "BAD_USER_AGENT": 409,
        "INTERNAL_SERVER_ERROR": 500,
        "EXPERIMENTAL": 501,
        "SERVICE_UNAVAILABLE": 503,
    }.items()
}
_BANS: Final[Mapping[int, int]] = {
    events.TemporaryBan.SEND_TO_TOO_MANY_PEOPLE: 101,
    events.TemporaryBan.BLOCKED_BY_USERS: 102,
    events.TemporaryBan.CREATED_TOO_MANY_GROUPS: 103,
    events.TemporaryBan.SENT_TOO_MANY_SAME_MESSAGE: 104,
    events.TemporaryBan.BROADCAST_LIST: 106,
}
_DEVICE_REMOVED: Final = 401
_CODE: Final = re.compile(r"[1-9][0-9]{2}")


def worker_event(code: int, raw: bytes, now: datetime) -> WorkerEvent | None:
    """Read a connection event; None for one that says nothing.

    Never raises: a malformed event still counts for what its code says.
    """
    read = _READERS.get(code)
    if read is None:
        return None
    try:
        return read(raw, now)
    except (DecodeError, ValueError, InvalidAddress, OverflowError):
        return read(b"", now)


def own_addresses(raw: bytes) -> WorkerEvent:
    """Read the Device event, which says whom this device belongs to, as CONNECTED."""
    try:
        device = events.Device.FromString(raw)
        jid, lid = jid_of(device.JID), jid_of(device.LID)
        push_name = clean(device.PushName, LONGEST_NAME) or None
    except (DecodeError, InvalidAddress):
        return WorkerEvent(signal=Signal.CONNECTED)
    return WorkerEvent(signal=Signal.CONNECTED, jid=jid, lid=lid, push_name=push_name)


def _pair_status(raw: bytes, _now: datetime) -> WorkerEvent | None:
    status = events.PairStatus.FromString(raw)
    if status.Status == events.PairStatus.ERROR:
        return WorkerEvent(signal=Signal.PAIRING_FAILED, reason="error")
    return None  # Device tells more


def _logged_out(raw: bytes, _now: datetime) -> WorkerEvent:
    event = events.LoggedOut.FromString(raw)
    code = _FAILURES.get(event.Reason) if event.OnConnect else None
    return WorkerEvent(
        signal=Signal.LOGGED_OUT,
        code=code or _DEVICE_REMOVED,
        on_connect=event.OnConnect,
    )


def _banned(raw: bytes, now: datetime) -> WorkerEvent:
    ban = events.TemporaryBan.FromString(raw)
    lasts = min(timedelta(seconds=max(0, min(ban.Expire, 10**10))), LONGEST_BAN)
    return WorkerEvent(
        signal=Signal.BANNED,
        code=_BANS.get(ban.Code) if raw else None,
        until=now + lasts if ban.Expire > 0 else None,
    )


def _connect_failure(raw: bytes, _now: datetime) -> WorkerEvent:
    failure = events.ConnectFailure.FromString(raw)
    told = _attribute(failure.Raw, "reason")
    code = _number(told) or _FAILURES.get(failure.Reason)
    return WorkerEvent(signal=Signal.CONNECT_FAILURE, code=code)


def _stream_error(raw: bytes, _now: datetime) -> WorkerEvent:
    told = str(events.StreamError.FromString(raw).Code)
    return WorkerEvent(signal=Signal.STREAM_ERROR, code=_number(told))


def _number(told: str) -> int | None:
    """WhatsApp's codes have three digits; whatever else stands there is not one."""
    return int(told) if _CODE.fullmatch(told) else None


def _attribute(node: events.Node, name: str) -> str:
    for attribute in node.Attrs:
        if attribute.name == name:
            return str(attribute.text) or str(attribute.integer)
    return ""


def _plain(signal: Signal) -> Callable[[bytes, datetime], WorkerEvent]:
    return lambda _raw, _now: WorkerEvent(signal=signal)


_READERS: Final[Mapping[int, Callable[[bytes, datetime], WorkerEvent | None]]] = {
    Code.PAIR_STATUS: _pair_status,
    Code.CONNECTED: _plain(Signal.CONNECTED),
    Code.KEEPALIVE_TIMEOUT: _plain(Signal.KEEPALIVE_TIMEOUT),
    Code.KEEPALIVE_RESTORED: _plain(Signal.KEEPALIVE_RESTORED),
    Code.LOGGED_OUT: _logged_out,
    Code.STREAM_REPLACED: _plain(Signal.REPLACED),
    Code.TEMPORARY_BAN: _banned,
    Code.CONNECT_FAILURE: _connect_failure,
    Code.CLIENT_OUTDATED: _plain(Signal.OUTDATED),
    Code.STREAM_ERROR: _stream_error,
    Code.DISCONNECTED: _plain(Signal.DISCONNECTED),
    Code.OFFLINE_SYNC_COMPLETED: _plain(Signal.OFFLINE_SYNC_DONE),
}
