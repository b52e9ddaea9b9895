"""What neonize's sentences about a failed send mean."""

from __future__ import annotations

import pytest

from connector.adapters.whatsapp.process.send_errors import (
    from_header,
    send_error,
    to_header,
)
from connector.errors import (
    NotConnected,
    RecipientUnknown,
    SendFailed,
    SendRefused,
    SendUncertain,
)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("no LID found for 1@s.whatsapp.net from server", RecipientUnknown),
        ("server returned error 463", SendRefused),
        (
            "failed to get device list: failed to query: websocket not connected",
            NotConnected,
        ),
        ("failed to send message node: websocket not connected", NotConnected),
        (
            "failed to get user info for 1@s.whatsapp.net to fill LID cache: status 429",
            SendFailed,
        ),
        ("failed to get group members: info query timed out", SendFailed),
        ("failed to get device list: info query timed out", SendFailed),
        (
            "failed to get group members: you're not participating in that group",
            SendRefused,
        ),
        ("failed to get group members: that group does not exist", SendRefused),
        ("websocket not connected", SendUncertain),
        ("timed out waiting for message send response", SendUncertain),
        (
            "websocket disconnected before message send returned response",
            SendUncertain,
        ),
        ("something nobody has seen yet", SendUncertain),
    ],
)
def test_only_what_surely_was_not_sent_is_called_so(
    text: str, meaning: type[SendFailed]
) -> None:
    assert type(send_error(text)) is meaning


@pytest.mark.parametrize(
    "error",
    [NotConnected(), RecipientUnknown(), SendRefused(463), SendUncertain()],
)
def test_an_error_survives_the_way_to_the_supervisor(error: SendFailed) -> None:
    received = from_header(to_header(error))

    assert type(received) is type(error)
    assert str(received) == str(error)
