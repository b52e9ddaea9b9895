from __future__ import annotations

import base64

import pytest

from devstack.whatsapp.login_book import caller_of


def _request(*headers: str) -> bytes:
    lines = ("CONNECT web.whatsapp.com:443 HTTP/1.1", *headers, "", "")
    return "\r\n".join(lines).encode()


def _basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


@pytest.mark.parametrize("credentials", ["first", "first:", "first:secret"])
def test_who_dials_is_the_user_in_the_proxys_address(credentials: str) -> None:
    request = _request("Host: x", f"Proxy-Authorization: {_basic(credentials)}")

    assert caller_of(request) == "first"


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Proxy-Authorization: Bearer abc",),
        ("Proxy-Authorization: Basic !",),
        ("Proxy-Authorization: Basic /w==",),
    ],
)
def test_whoever_says_nothing_we_can_read_is_nobody(headers: tuple[str, ...]) -> None:
    assert caller_of(_request(*headers)) == ""
