"""What an unanswered question was unanswered for."""

from __future__ import annotations

import pytest

from connector.adapters.whatsapp.answers.look_up_errors import look_up_error
from connector.adapters.whatsapp.process.send_errors import from_header, to_header
from connector.errors import LookupRefusal, LookupRefused, NotConnected


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("info query returned status 404: item-not-found", LookupRefusal.NOT_FOUND),
        ("that group does not exist", LookupRefusal.NOT_FOUND),
        (
            'Error: "that user or group does not have a profile picture"',
            LookupRefusal.NOT_FOUND,
        ),
        ("info query returned status 401: x", LookupRefusal.FORBIDDEN),
        (
            "the user has hidden their profile picture from you",
            LookupRefusal.FORBIDDEN,
        ),
        ("you're not participating in that group", LookupRefusal.FORBIDDEN),
        (
            "failed to send usync query: info query returned status 429: x",
            LookupRefusal.RATE_LIMITED,
        ),
        ("info query returned status 420: x", LookupRefusal.RATE_LIMITED),
        ("info query timed out", LookupRefusal.TIMEOUT),
        ("info query returned status 503: x", LookupRefusal.FAILED),
        ("can't send presence without PushName set", LookupRefusal.FAILED),
        ("what is this?", LookupRefusal.FAILED),
    ],
)
def test_a_refusal_has_its_reason(sentence: str, reason: LookupRefusal) -> None:
    refused = look_up_error(sentence)

    assert isinstance(refused, LookupRefused)
    assert refused.reason is reason


@pytest.mark.parametrize(
    "sentence",
    [
        "failed to send usync query: websocket not connected",
        "failed to send IQ: websocket disconnected before info query returned response",
    ],
)
def test_a_lost_connection_is_no_refusal(sentence: str) -> None:
    assert isinstance(look_up_error(sentence), NotConnected)


@pytest.mark.parametrize("reason", list(LookupRefusal))
def test_a_refusal_survives_the_pipe(reason: LookupRefusal) -> None:
    told = from_header(to_header(LookupRefused(reason)))

    assert isinstance(told, LookupRefused)
    assert told.reason is reason
