"""What neonize's sentences about a failed send mean."""

from __future__ import annotations

import pytest

from connector.adapters.whatsapp.process.send_errors import (
    errand_error,
    from_header,
    send_error,
    to_header,
    upload_error,
)
from connector.errors import (
    NotConnected,
    RecipientUnknown,
    SendFailed,
    SendRefused,
    SendUncertain,
    UploadFailed,
)

NOT_ON_WHATSAPP = "no LID found for 1@s.whatsapp.net from server"
NOBODY_CAN_CONNECT = [
    "failed to get device list: failed to send usync query: websocket not connected",
    "failed to get group members: websocket not connected",
    "failed to send message node: websocket not connected",
    "failed to send message node: frame socket is closed",
    "the store doesn't contain a device JID",
    "client is nil",
]
NOTHING_LEFT = [
    (
        "failed to get user info for 1@s.whatsapp.net to fill LID cache: "
        "failed to send usync query: info query returned status 503: service-unavailable"
    ),
    "failed to get LID for PN 1@s.whatsapp.net: database is locked",
    "failed to get group members: info query timed out",
    "failed to get broadcast list members: context canceled",
    "failed to get device list: failed to send usync query: info query timed out",
    (
        "failed to get device list: websocket disconnected before info query returned "
        "response"
    ),
    "failed to add message to retry store: database is locked",
    "failed to marshal message for retry store: size mismatch",
    "failed to marshal message (for own devices): size mismatch",
    "failed to create sender key distribution message to send 3EB0 to 1@g.us: x",
    "failed to encrypt group message to send 3EB0 to 1@g.us: x",
    "failed to fetch LID mappings: database is locked",
    "failed to prefetch sessions: database is locked",
    "failed to save cached sessions: database or disk is full",
    "failed to send message node: failed to marshal node: x",
    "failed to send message node: frame too large (got 9 bytes, max 8 bytes)",
    "message recipient must be a user JID with no device part",
    "can't send message to unknown server example",
    "proto: cannot parse invalid wire-format data",
]
PERHAPS_IT_LEFT = [
    "failed to send message node: failed to write msg: broken pipe",
    "websocket not connected",  # after a reconnection, the second time
    "frame socket is closed",
    "timed out waiting for message send response",
    "websocket disconnected before message send returned response",
    "websocket disconnected before message send (retry) returned response",
    "info query timed out",
    "something nobody has seen yet",
]


@pytest.mark.parametrize(
    ("texts", "meaning"),
    [
        ([NOT_ON_WHATSAPP], RecipientUnknown),
        (NOBODY_CAN_CONNECT, NotConnected),
        (NOTHING_LEFT, SendFailed),
        (PERHAPS_IT_LEFT, SendUncertain),
    ],
    ids=["unknown", "nobody can connect", "nothing left", "perhaps it left"],
)
def test_only_what_surely_was_not_sent_is_called_so(
    texts: list[str], meaning: type[SendFailed]
) -> None:
    assert [text for text in texts if type(send_error(text)) is not meaning] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("server returned error 463", 463),
        ("failed to get group members: you're not participating in that group", 403),
        ("failed to get group members: that group does not exist", 404),
        (
            (
                "failed to get device list: failed to send usync query: "
                "info query returned status 429: rate-overlimit"
            ),
            429,
        ),
    ],
)
def test_a_refusal_keeps_whatsapps_number(text: str, code: int) -> None:
    error = send_error(text)

    assert isinstance(error, SendRefused)
    assert error.server_code == code


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (
            (
                "failed to refresh media connections: failed to query media connections: "
                "websocket not connected"
            ),
            NotConnected,
        ),
        ("failed to refresh media connections: info query timed out", UploadFailed),
        ("failed to execute request: connection refused", UploadFailed),
        ("upload failed with status code 413", UploadFailed),
        ("failed to parse upload response: EOF", UploadFailed),
    ],
)
def test_a_file_that_was_not_taken_is_seen_by_nobody(
    text: str, meaning: type[SendFailed]
) -> None:
    assert type(upload_error(text)) is meaning


def test_a_tick_that_failed_may_be_tried_again() -> None:
    assert type(errand_error("websocket not connected")) is NotConnected
    assert type(errand_error("no message IDs specified")) is SendFailed


@pytest.mark.parametrize(
    "error",
    [
        NotConnected(),
        RecipientUnknown(),
        SendRefused(463),
        SendUncertain(),
        UploadFailed(),
        SendFailed(),
    ],
)
def test_an_error_survives_the_way_to_the_supervisor(error: SendFailed) -> None:
    received = from_header(to_header(error))

    assert type(received) is type(error)
    assert str(received) == str(error)
