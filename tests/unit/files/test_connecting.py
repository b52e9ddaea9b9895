"""Which addresses are connected to, whatever a resolver says, and whenever."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import httpcore
import pytest

from connector.adapters.files.connecting import CheckedConnections
from connector.adapters.files.urls import TrustedHosts
from connector.errors import ConnectorError, FileUnavailable, InvalidPayload

PUBLIC, OTHER, PRIVATE = "93.184.216.34", "93.184.216.35", "10.0.0.1"


class Network(httpcore.AsyncMockBackend):
    """Remembers what was connected to; some addresses do not answer."""

    def __init__(self, *dead: str) -> None:
        super().__init__([])
        self.connected: list[tuple[str, int]] = []
        self._dead = dead

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> Any:
        self.connected.append((host, port))
        if host in self._dead:
            raise httpcore.ConnectError
        return await super().connect_tcp(host, port)


def connections(
    *answers: Sequence[str] | Exception, network: Network, trusted: str = ""
) -> CheckedConnections:
    """Over a resolver that answers differently each time it is asked."""
    left = iter(answers)

    async def resolve(*_: object) -> Sequence[str]:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    made = CheckedConnections(TrustedHosts(frozenset({trusted})), resolve)
    made._network = network  # type: ignore[assignment]
    return made


async def test_what_was_checked_is_what_is_connected_to() -> None:
    network = Network()
    rebound = connections([PUBLIC], [PRIVATE], network=network)

    await rebound.connect_tcp("a.test", 443)
    with pytest.raises(InvalidPayload):
        await rebound.connect_tcp("a.test", 443)

    assert network.connected == [(PUBLIC, 443)]


@pytest.mark.parametrize(
    "found", [[PRIVATE], [PUBLIC, PRIVATE], ["::1", PUBLIC], ["fe80::1%eth0"], ["odd"]]
)
async def test_one_address_that_is_not_public_spoils_them_all(found: list[str]) -> None:
    network = Network()

    with pytest.raises(InvalidPayload) as caught:
        await connections(found, network=network).connect_tcp("a.test", 443)

    assert caught.value.reason == "url_not_allowed"
    assert network.connected == []


async def test_a_trusted_host_may_be_anywhere_on_its_port_alone() -> None:
    network = Network()
    trusting = connections([PRIVATE], [PRIVATE], network=network, trusted="a.test:8443")

    await trusting.connect_tcp("a.test", 8443)
    with pytest.raises(InvalidPayload):
        await trusting.connect_tcp("a.test", 443)

    assert network.connected == [(PRIVATE, 8443)]


async def test_further_addresses_are_tried_but_not_for_ever() -> None:
    network = Network(PUBLIC)
    dead = Network(PUBLIC, OTHER)

    await connections([PUBLIC, OTHER], network=network).connect_tcp("a.test", 443)
    with pytest.raises(httpcore.ConnectError):
        await connections([PUBLIC] * 9, network=dead).connect_tcp("a.test", 443)

    assert network.connected == [(PUBLIC, 443), (OTHER, 443)]
    assert len(dead.connected) == 3


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), InvalidPayload),
        (socket.gaierror(socket.EAI_AGAIN, "later"), FileUnavailable),
        (UnicodeError("label too long"), FileUnavailable),
    ],
)
async def test_a_name_that_does_not_exist_is_told_from_a_resolver_in_trouble(
    failure: Exception, error: type[ConnectorError]
) -> None:
    with pytest.raises(ConnectorError) as caught:
        await connections(failure, network=Network()).connect_tcp("a.test", 443)

    assert type(caught.value) is error


async def test_a_silent_resolver_is_not_waited_for() -> None:
    async def silent(*_: object) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(httpcore.ConnectTimeout):
        await CheckedConnections(TrustedHosts(), silent).connect_tcp("a.test", 443, 0.0)
