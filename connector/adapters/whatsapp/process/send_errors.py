"""What neonize's sentences about a failed send mean.

neonize passes whatsmeow's errors on as text. Only a failure that surely left nothing on
the wire is called one; every other is SendUncertain, and the store is asked whether the
message had been begun (docs/outbox.md). The sentences are those of whatsmeow's send.go,
sendfb.go, request.go and socket/, in the order in which a send comes by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from connector.errors import (
    LookupRefusal,
    LookupRefused,
    NotConnected,
    RecipientUnknown,
    SendFailed,
    SendRefused,
    SendUncertain,
    UploadFailed,
)

_SERVER_ERROR = re.compile(r"server returned error (\d{1,9})")
_NO_LID = re.compile(r"no LID found for .* from server")
# All that comes before the frame. A bare sentence about the connection is none of it: it
# may also end the second try of a frame that had left.
_BEFORE_THE_FRAME = re.compile(
    r"(failed to (get|marshal|fetch|prefetch|save|encrypt|create sender key|add message"
    r"|clear old messages|send message node: (websocket not connected"
    r"|failed to marshal node|frame socket is closed|frame too large)))"
    r"|the store doesn't contain a device JID|client is nil|invalid inline bot ID"
    r"|message recipient must be a user JID|can't send message to unknown server"
    r"|sending to non-status broadcast lists|proto:"
)
# Of these, what would have gone well with a connection. "Disconnected" is none of it:
# whatever breaks the connection must count as an attempt, or it would be tried for ever,
# and before all others.
_NO_CONNECTION = re.compile(
    r"websocket not connected|frame socket is closed|client is nil"
    r"|the store doesn't contain a device JID"
)
_TOO_MUCH = re.compile(r"info query returned status (420|429)\b")
_NOT_IN_GROUP = re.compile(r"you're not participating in that group")
_NO_GROUP = re.compile(r"that group does not exist")


def send_error(text: str) -> SendFailed:
    """Classify what SendMessage failed with."""
    if match := _SERVER_ERROR.search(text):
        return SendRefused(int(match[1]))
    if _NO_LID.search(text):
        return RecipientUnknown()
    if not _BEFORE_THE_FRAME.match(text):
        return SendUncertain()
    if _NO_CONNECTION.search(text):
        return NotConnected()
    if match := _TOO_MUCH.search(text):
        return SendRefused(int(match[1]))
    if _NOT_IN_GROUP.search(text):
        return SendRefused(HTTPStatus.FORBIDDEN)
    if _NO_GROUP.search(text):
        return SendRefused(HTTPStatus.NOT_FOUND)
    return SendFailed()


def upload_error(text: str) -> SendFailed:
    """Classify what Upload failed with: nobody has seen the file, whatever it was."""
    return NotConnected() if _NO_CONNECTION.search(text) else UploadFailed()


def errand_error(text: str) -> SendFailed:
    """Classify what a tick or a sign of typing failed with."""
    return NotConnected() if _NO_CONNECTION.search(text) else SendFailed()


def to_header(error: SendFailed | LookupRefused) -> dict[str, Any]:
    """Describe an error in a frame's header; `from_header` reads it."""
    if isinstance(error, LookupRefused):
        return {"error": error.code, "reason": error.reason.value}
    if isinstance(error, SendRefused):
        return {"error": error.code, "server_code": error.server_code}
    return {"error": error.code}


def from_header(header: Mapping[str, Any]) -> SendFailed | LookupRefused:
    code = header["error"]
    if code == LookupRefused.code:
        return LookupRefused(LookupRefusal(header["reason"]))
    if code == SendRefused.code:
        return SendRefused(int(header["server_code"]))
    return _BY_CODE.get(code, SendFailed)()


_BY_CODE: Final[
    Mapping[str, type[NotConnected | RecipientUnknown | SendUncertain | UploadFailed]]
] = {
    kind.code: kind
    for kind in (NotConnected, RecipientUnknown, SendUncertain, UploadFailed)
}
