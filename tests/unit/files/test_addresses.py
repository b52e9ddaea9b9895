"""Which addresses a stranger's URL may lead to."""

from __future__ import annotations

import ipaddress

import pytest

from connector.adapters.files.addresses import is_public

# The first and the last address of every block, and what people try.
REFUSED_V4 = (
    *("0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255"),  # noqa: S104 - not bound
    *("100.64.0.0", "100.100.100.200", "100.127.255.255"),
    *("127.0.0.0", "127.0.0.1", "127.255.255.255", "168.63.129.16"),
    *("169.254.0.0", "169.254.169.254", "169.254.170.2", "169.254.255.255"),
    *("172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.192", "192.0.0.255"),
    *("192.0.2.0", "192.0.2.255", "192.31.196.1", "192.52.193.1", "192.88.99.1"),
    *("192.168.0.0", "192.168.255.255", "192.175.48.1"),
    *("198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.7"),
    *("224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255"),
)
ALLOWED_V4 = (
    *("1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"),
    *("126.255.255.255", "128.0.0.0", "168.63.129.15", "169.253.255.255"),
    *("169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255"),
    *("192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.114.0", "223.255.255.255"),
)
REFUSED_V6 = (
    *("::", "::1", "::7f00:1", "::ffff:0:7f00:1", "100::1", "64:ff9b:1::a00:1"),
    *("fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fec0::1", "ff02::1"),
    *("2001::1", "2001:1::1", "2001:20::1", "2001:1ff:ffff::1", "2001:db8::1"),
    *("2002:7f00:1::1", "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "5f00::1"),
    *("4000::1", "1fff:ffff::1", "2606:4700::1%eth0", "fe80::1%lo"),
)
ALLOWED_V6 = ("2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450::1", "2003::1")


def public(text: str) -> bool:
    return is_public(ipaddress.ip_address(text))


def test_the_public_internet_is_allowed() -> None:
    assert [each for each in (*ALLOWED_V4, *ALLOWED_V6) if not public(each)] == []


def test_everything_else_is_refused() -> None:
    assert [each for each in (*REFUSED_V4, *REFUSED_V6) if public(each)] == []


@pytest.mark.parametrize("hidden_in", ["::ffff:{}", "64:ff9b::{}"])
def test_a_hidden_ipv4_address_counts_as_itself(hidden_in: str) -> None:
    assert all(public(hidden_in.format(each)) for each in ALLOWED_V4)
    assert not any(public(hidden_in.format(each)) for each in REFUSED_V4)


def test_python_would_have_refused_no_more() -> None:
    """Its own judgement, which grows with its releases, is never stricter than ours."""
    for address in (*ALLOWED_V4, *ALLOWED_V6):
        assert ipaddress.ip_address(address).is_global
