"""One Realtime connection that hears the connectors' broadcasts, until it fails.

    connecting ──▶ joining ──▶ echo heard: ready ──▶ echo every 25 s … ──▶ BellSilent

realtime-py ends silently in several ways: a callback that raises kills its reader, five
failed reconnects end it for good, an expired token removes the channel, a frozen server
is noticed after 49 s. So a connection is never repaired but replaced, callbacks only set
events, and being alive is proven end to end by hearing one's own broadcast.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates

TOPIC: Final = "wa:connectors"
ECHO: Final = "echo"

Ring = Callable[[str, Mapping[str, Any]], None]


class BellSilent(Exception):
    """The connection is of no use any more; the message says why, without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds."""

    ready: float = 20.0
    echo_every: float = 25.0
    echo: float = 10.0
    close: float = 1.0  # a planned stop waits for it
    longest_pause: float = 60.0  # between two connections


class Doorbell:
    """`on_ring(event, payload)` for every broadcast; `on_ready` when none is missed.

    Both are called from the library's reader and must not raise.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        on_ring: Ring,
        on_ready: Callable[[], None],
        patience: Patience,
    ) -> None:
        self._on_ring = on_ring
        self._on_ready = on_ready
        self._patience = patience
        self._client = AsyncRealtimeClient(
            f"{url.rstrip('/')}/realtime/v1", key, auto_reconnect=False, max_retries=1
        )
        self._channel = self._new_channel()
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._joined = asyncio.Event()
        self._echoed = asyncio.Event()
        self._echoes = 0
        self._ready = False

    async def listen(self) -> None:
        """Connect and listen; always ends with BellSilent, or by cancellation."""
        try:
            async with self._deadline(self._patience.ready, "not ready in time"):
                await self._join()
                await self._hear_echo()
            self._ready = True
            self._on_ready()
            while True:
                await asyncio.wait({self._failure}, timeout=self._patience.echo_every)
                async with self._deadline(self._patience.echo, "no echo in time"):
                    await self._hear_echo()
        finally:
            await self._close()

    def _new_channel(self) -> AsyncRealtimeChannel:
        channel = self._client.channel(
            TOPIC,
            {
                "config": {
                    # A server that knows replication_ready also says when broadcasts
                    # from the database begin to flow.
                    "broadcast": {"ack": True, "self": True, "replication_ready": True},
                    "presence": {"key": "", "enabled": False},
                    "private": True,
                }
            },
        )
        channel.on_broadcast("*", self._on_broadcast)
        channel.on_system(lambda _: self._on_ready() if self._ready else None)
        return channel

    async def _join(self) -> None:
        try:
            await self._client.connect()
            await self._unless_failed(self._channel.subscribe(self._on_state))
        except BellSilent:
            raise
        except Exception as error:
            raise BellSilent(f"cannot connect: {type(error).__name__}") from error
        await self._unless_failed(self._joined.wait())

    async def _hear_echo(self) -> None:
        """Proves the socket, the channel and the library's reader, all at once."""
        self._echoes += 1
        self._echoed.clear()
        sending = self._channel.send_broadcast(ECHO, {"number": self._echoes})
        try:
            await self._unless_failed(sending)
        except BellSilent:
            raise
        except Exception as error:
            raise BellSilent(f"cannot send: {type(error).__name__}") from error
        await self._unless_failed(self._echoed.wait())

    async def _unless_failed(self, work: Any) -> None:
        """Wait for `work`, but no longer than the connection lasts."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait(
                {task, self._failure}, return_when=asyncio.FIRST_COMPLETED
            )
            if self._failure.done():
                raise BellSilent(self._failure.result())
            task.result()
        finally:
            task.cancel()

    @contextlib.asynccontextmanager
    async def _deadline(self, seconds: float, why: str) -> Any:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise BellSilent(why) from error

    def _on_state(
        self, state: RealtimeSubscribeStates, _: Exception | None = None
    ) -> None:
        if state == RealtimeSubscribeStates.SUBSCRIBED:
            self._joined.set()
        elif not self._failure.done():
            self._failure.set_result(
                f"channel {state.value.lower().removeprefix('channel_')}"
            )

    def _on_broadcast(self, broadcast: Mapping[str, Any]) -> None:
        event, payload = broadcast.get("event"), broadcast.get("payload")
        if not isinstance(event, str) or not isinstance(payload, Mapping):
            return
        if event != ECHO:
            self._on_ring(event, payload)
        elif payload.get("number") == self._echoes:
            self._echoed.set()

    async def _close(self) -> None:
        """Within `close` seconds, even if the server does not answer any more."""
        self._failure.cancel()
        socket = self._client._ws_connection  # noqa: SLF001 - close() forgets it at once
        try:
            async with asyncio.timeout(self._patience.close):
                await self._client.close()
        except Exception:  # noqa: BLE001 - whatever the library says, we are leaving
            if socket is not None:
                socket.transport.abort()
