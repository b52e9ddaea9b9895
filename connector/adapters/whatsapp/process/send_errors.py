"""What neonize's sentences about a failed send mean.

neonize passes whatsmeow's errors on as text. Only a failure that surely left nothing on
the wire is called one; every other is SendUncertain, and the store is asked whether the
message had been begun (docs/outbox.md).
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
)

_SERVER_ERROR = re.compile(r"server returned error (\d{1,9})")
_NO_LID = re.compile(r"no LID found for .* from server")
# whatsmeow send.go: these come before the frame, or instead of it. A bare "websocket
# not connected" does not: it may also end the second try of a frame that had left.
_NOTHING_LEFT = re.compile(
    r"failed to (get device list|send message node|get group members)"
    r".*websocket not connected|the store doesn't contain a device JID"
)
# The same steps, failed for another reason: a rate limit, a group we are not in. Nothing
# has left, but the connection is there, so it must count as an attempt: given back
# uncounted, the row would be tried for ever, and before all others.
_NEVER_LEFT = re.compile(
    r"failed to get (device list|group members|broadcast list members|LID for PN"
    r"|user info for \S+ to fill LID cache)"
)
_NOT_IN_GROUP = re.compile(r"you're not participating in that group")
_NO_GROUP = re.compile(r"that group does not exist")


def send_error(text: str) -> SendFailed:
    """Classify what SendMessage failed with."""
    if match := _SERVER_ERROR.search(text):
        return SendRefused(int(match[1]))
    if _NO_LID.search(text):
        return RecipientUnknown()
    if _NOTHING_LEFT.search(text):
        return NotConnected()
    if _NOT_IN_GROUP.search(text):
        return SendRefused(HTTPStatus.FORBIDDEN)
    if _NO_GROUP.search(text):
        return SendRefused(HTTPStatus.NOT_FOUND)
    if _NEVER_LEFT.search(text):
        return SendFailed()
    return SendUncertain()


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


_BY_CODE: Final[Mapping[str, type[NotConnected | RecipientUnknown | SendUncertain]]] = {
    kind.code: kind for kind in (NotConnected, RecipientUnknown, SendUncertain)
}
