"""Which URLs are followed at all."""

from __future__ import annotations

import pytest

from connector.adapters.files.urls import TrustedHosts, last_name, parsed, redirected
from connector.errors import InvalidPayload

NOBODY = TrustedHosts()
SOME = TrustedHosts(frozenset({"files.internal", "10.0.0.7:8443", "[fd00::1]:444"}))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.jpg",
        "https://example.com:443/a.jpg?token=b#c",
        "https://bücher.example/ö ä.pdf",
        "https://93.184.216.34/a",
        "https://[2606:4700::1]/a",
        "HTTPS://EXAMPLE.COM",
    ],
)
def test_https_on_its_own_port_is_followed(url: str) -> None:
    assert parsed(url, NOBODY).scheme == "https"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.jpg",
        "ftp://example.com/a",
        "file:///etc/passwd",
        "data:text/plain,hi",
        "//example.com/a",
        "example.com/a",
        "",
        "https://",
        "https:///etc/passwd",
        "https://user@example.com/",
        "https://user:word@example.com/",
        "https://example.com:8443/",
        "https://example.com:80/",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://exa\nmple.com/",
        "https://example.com/\r\nHost: other",
        "https://[::1/",
        "https://" + "a" * 5000,
    ],
)
def test_nothing_else_is(url: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        parsed(url, NOBODY)

    assert caught.value.reason == "url_not_allowed"
    assert "example" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://files.internal:1234/a",
        "https://10.0.0.7:8443/a",
        "https://[fd00::1]:444/a",
    ],
)
def test_a_trusted_host_may_have_a_port(url: str) -> None:
    assert parsed(url, SOME).port


@pytest.mark.parametrize("url", ["https://10.0.0.7:8444/", "https://other:8443/"])
def test_trust_ends_at_its_host_and_port(url: str) -> None:
    with pytest.raises(InvalidPayload):
        parsed(url, SOME)


def test_a_redirect_obeys_the_same_rules() -> None:
    here = parsed("https://example.com/a/b", NOBODY)

    assert str(redirected(here, "../c", NOBODY)) == "https://example.com/c"
    for there in (
        "http://example.com/",
        "https://other:8443/",
        "file:///etc",
        "//a@b/",
    ):
        with pytest.raises(InvalidPayload):
            redirected(here, there, NOBODY)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://e.com/a/b%20c.pdf?x=y", "b c.pdf"),
        ("https://e.com/", ""),
        ("https://e.com/..%2f..%2fpasswd", "../../passwd"),
    ],
)
def test_a_file_is_called_by_the_end_of_its_path(url: str, name: str) -> None:
    assert last_name(parsed(url, NOBODY)) == name
