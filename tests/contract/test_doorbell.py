"""The connector's doorbell against a real Realtime, and what befalls its connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from realtime import AsyncRealtimeClient

from connector.adapters.supabase import doorbell
from connector.adapters.supabase.doorbell import Patience
from connector.adapters.supabase.wakeups import SupabaseWakeups
from connector.ports import SessionId
from tests.contract.project import Supabase
from tests.contract.writing import local_or_skip

TIMEOUT = 30.0
NEVER = 3600.0
# On a busy machine an echo may take a second, and what is taken for a loss rings.
CALM = Patience(ready=30.0, echo_every=0.2, echo=30.0, close=0.5, longest_pause=0.5)
HASTY = Patience(ready=5.0, echo_every=0.2, echo=1.0, close=0.5, longest_pause=0.5)
ANA, BOB = SessionId("session-of-ana"), SessionId("session-of-bob")

# realtime-py reads attributes of a closed socket that websockets has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")


@asynccontextmanager
async def listening(
    url: str, key: str, patience: Patience = CALM
) -> AsyncIterator[SupabaseWakeups]:
    wakeups = SupabaseWakeups(url, key, patience)
    running = asyncio.create_task(wakeups.run())
    try:
        await until_healthy(wakeups)
        yield wakeups
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.fixture
async def wakeups(supabase: Supabase) -> AsyncIterator[SupabaseWakeups]:
    async with listening(supabase.url, supabase.secret_key) as wakeups:
        yield wakeups


async def until_healthy(wakeups: SupabaseWakeups, healthy: bool = True) -> None:  # noqa: FBT001, FBT002 - reads as a sentence
    """Both turns of health ring, so nobody has to look at a clock."""
    async with asyncio.timeout(TIMEOUT):
        while wakeups.healthy is not healthy:
            await wakeups.wait_sessions(NEVER)


async def until_quiet(wakeups: SupabaseWakeups) -> None:
    """Take the rings that come with becoming ready."""
    await wakeups.wait_sessions(0.3)
    for session_id in (ANA, BOB):
        await wakeups.wait_outbox(session_id, 0.3)


async def ring(database: Any, event: str, payload: str) -> None:
    await database.execute(
        "select realtime.send($1::jsonb, $2, 'wa:connectors', true)", payload, event
    )


async def rings(waiting: Any) -> None:
    await asyncio.wait_for(waiting, TIMEOUT)


async def still_rings(wakeups: SupabaseWakeups, database: Any) -> None:
    await until_quiet(wakeups)
    await ring(database, "session_changed", f'{{"session_id": "{ANA}"}}')
    await rings(wakeups.wait_sessions(NEVER))


async def test_a_changed_session_rings(wakeups: SupabaseWakeups, database: Any) -> None:
    await still_rings(wakeups, database)


async def test_a_queued_message_rings_for_its_session_only(
    wakeups: SupabaseWakeups, database: Any
) -> None:
    await until_quiet(wakeups)
    other = asyncio.create_task(wakeups.wait_outbox(BOB, NEVER))

    await ring(database, "outbox_queued", f'{{"session_id": "{ANA}"}}')

    await rings(wakeups.wait_outbox(ANA, NEVER))
    assert not other.done()
    other.cancel()


async def test_numbers_to_check_ring_for_who_checks_numbers_only(
    wakeups: SupabaseWakeups, database: Any
) -> None:
    await until_quiet(wakeups)
    await wakeups.wait_numbers(ANA, 0.3)
    other = asyncio.create_task(wakeups.wait_outbox(ANA, NEVER))

    await ring(database, "numbers_queued", f'{{"session_id": "{ANA}"}}')

    await rings(wakeups.wait_numbers(ANA, NEVER))
    assert not other.done()
    other.cancel()


async def test_the_first_wait_for_a_session_returns_at_once(
    wakeups: SupabaseWakeups,
) -> None:
    await rings(wakeups.wait_outbox(SessionId("new here"), NEVER))


async def test_a_ring_while_nobody_waits_is_kept(
    wakeups: SupabaseWakeups, database: Any
) -> None:
    await until_quiet(wakeups)
    waiting_for_ana = asyncio.create_task(wakeups.wait_outbox(ANA, NEVER))

    await ring(database, "session_changed", "{}")
    await ring(database, "outbox_queued", f'{{"session_id": "{ANA}"}}')
    await rings(waiting_for_ana)

    await rings(wakeups.wait_sessions(NEVER))


async def test_waiting_ends_when_its_time_is_up(wakeups: SupabaseWakeups) -> None:
    await until_quiet(wakeups)

    began = time.monotonic()
    await rings(wakeups.wait_sessions(0.05))

    assert time.monotonic() - began >= 0.05


async def test_what_the_doorbell_does_not_know_harms_nothing(
    wakeups: SupabaseWakeups, database: Any
) -> None:
    for event, payload in [
        ("outbox_queued", "{}"),
        ("outbox_queued", '{"session_id": [1]}'),
        ("echo", '{"number": "x"}'),
        ("of another version", '{"session_id": null}'),
    ]:
        await ring(database, event, payload)

    await still_rings(wakeups, database)


async def test_a_frozen_server_is_noticed_and_heard_again(
    supabase: Supabase, database: Any
) -> None:
    local = local_or_skip(supabase)

    async with listening(supabase.url, supabase.secret_key, HASTY) as wakeups:
        local.gateway.freeze()
        try:
            await until_healthy(wakeups, healthy=False)
        finally:
            local.gateway.thaw()

        await until_healthy(wakeups)
        await still_rings(wakeups, database)


async def test_a_restarted_server_is_heard_again(
    supabase: Supabase, wakeups: SupabaseWakeups, database: Any
) -> None:
    local = local_or_skip(supabase)

    await local.gateway.kill()
    await until_healthy(wakeups, healthy=False)
    await local.gateway.start()

    await until_healthy(wakeups)
    await still_rings(wakeups, database)


async def test_a_dropped_connection_is_replaced(
    supabase: Supabase, database: Any
) -> None:
    async with (
        relay_to(supabase.url) as relay,
        listening(relay.url, supabase.secret_key) as wakeups,
    ):
        relay.drop()

        await until_healthy(wakeups, healthy=False)
        await until_healthy(wakeups)
        await still_rings(wakeups, database)


async def test_an_expired_token_is_survived(
    supabase: Supabase, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = local_or_skip(supabase)
    tokens = [local.mint(role="service_role", expires_in=2)]

    class Expiring(AsyncRealtimeClient):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.access_token = tokens.pop() if tokens else self.apikey

    monkeypatch.setattr(doorbell, "AsyncRealtimeClient", Expiring)
    async with listening(supabase.url, supabase.secret_key) as wakeups:
        await until_healthy(wakeups, healthy=False)
        await until_healthy(wakeups)
        await still_rings(wakeups, database)


async def test_a_refusing_server_leaves_the_doorbell_unhealthy_until_cancelled(
    supabase: Supabase,
) -> None:
    wakeups = SupabaseWakeups(supabase.url, "sb_secret_invented", HASTY)
    running = asyncio.create_task(wakeups.run())

    await rings(wakeups.wait_sessions(NEVER))
    await rings(wakeups.wait_sessions(NEVER))

    assert not wakeups.healthy
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


class Relay:
    """Passes bytes on until told to drop its connections."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._writers: set[asyncio.StreamWriter] = set()
        self.url = ""

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        onward = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._writers |= {writer, onward[1]}
        await asyncio.gather(pass_on(reader, onward[1]), pass_on(onward[0], writer))

    def drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


@asynccontextmanager
async def relay_to(target: str) -> AsyncIterator[Relay]:
    relay = Relay(target)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        relay.drop()
        server.close()
        await server.wait_closed()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
