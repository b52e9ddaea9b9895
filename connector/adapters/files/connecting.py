"""Connects to addresses that were checked, and to nothing else.

The name is resolved once, here; every address it has is checked; the connection is made
to one of these very addresses. A name that means something else a moment later changes
nothing. TLS, which comes after, still demands a certificate for the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeAlias

import httpcore

from connector.adapters.files.addresses import Address, is_public
from connector.adapters.files.urls import TrustedHosts, not_allowed
from connector.errors import FileUnavailable, InvalidPayload

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

MOST_ADDRESSES: Final = 3  # that are tried, one after another
_UNKNOWN_NAMES: Final = (socket.EAI_NONAME, socket.EAI_NODATA)


class SystemResolver:
    """The system's own resolver, in threads of its own: a slow one holds up no disk."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="resolving")

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, _look_up, host, port
        )
        return list(dict.fromkeys(found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[str]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in entries]


class CheckedConnections(httpcore.AsyncNetworkBackend):
    """What httpcore opens one request's connection by.

    It forgets one whose handshake is cancelled: whatever was opened is closed from here.
    """

    def __init__(self, trusted: TrustedHosts, resolve: Resolve) -> None:
        self._trusted = trusted
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()
        self._opened: list[httpcore.AsyncNetworkStream] = []

    async def aclose(self) -> None:
        while self._opened:
            await self._opened.pop().aclose()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,  # noqa: ARG002 - we have one
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises InvalidPayload, FileUnavailable, httpcore.ConnectError."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._addresses(host, port)
                return await self._first(addresses, port, socket_options)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            found = await self._resolve(host, port)
        except socket.gaierror as error:
            raise _unresolved(error) from error
        except (OSError, UnicodeError) as error:
            raise FileUnavailable("The URL's host could not be looked up.") from error
        if not self._trusted.allow(host, port):
            demand_public(found)
        return found[:MOST_ADDRESSES]

    async def _first(
        self,
        addresses: Sequence[str],
        port: int,
        socket_options: Iterable[Any] | None,
    ) -> httpcore.AsyncNetworkStream:
        failure: httpcore.ConnectError | None = None
        for address in addresses:
            try:
                opened = await self._network.connect_tcp(
                    address, port, socket_options=socket_options
                )
            except httpcore.ConnectError as error:
                failure = error
            else:
                self._opened.append(opened)
                return opened
        raise failure or httpcore.ConnectError


def demand_public(addresses: Sequence[str]) -> None:
    """One address that is not public spoils them all. Raises InvalidPayload."""
    if not all(is_public(_address(address)) for address in addresses):
        raise not_allowed("leads to an address that is not public")


def _address(text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise not_allowed("leads to an address that is not public") from error


def _unresolved(error: socket.gaierror) -> Exception:
    if error.errno in _UNKNOWN_NAMES:
        return InvalidPayload(
            "payload.url names a host that does not exist.", code="url_not_found"
        )
    return FileUnavailable("The URL's host could not be looked up.")
