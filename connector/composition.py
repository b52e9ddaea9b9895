"""The composition root: builds the parts, runs them in one TaskGroup, stops in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol, Self

import structlog

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.intake import SupabaseIntake
from connector.adapters.supabase.leases import SupabaseLeases
from connector.adapters.supabase.media import SupabaseFileQueue, SupabaseFileStore
from connector.adapters.supabase.numbers import SupabaseNumbers
from connector.adapters.supabase.outbox import SupabaseOutbox
from connector.adapters.supabase.people import SupabasePeople
from connector.adapters.supabase.sessions import SupabaseSessions
from connector.adapters.supabase.wakeups import SupabaseWakeups
from connector.adapters.whatsapp.media.folder import MediaFolder, Room
from connector.adapters.whatsapp.media.servers import MediaServers
from connector.adapters.whatsapp.media.transfers import WhatsAppMedia
from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.adapters.whatsapp.process.zygote import Zygote
from connector.adapters.whatsapp.spool.writer import HighWater
from connector.clock import SystemClock
from connector.composition_delivery import Shared, delivery, outgoing_files
from connector.composition_housekeeping import housekeeping
from connector.composition_observability import Observability
from connector.composition_states import state_keeper
from connector.data_folder import DataFolder
from connector.delivery.delivery import Delivery
from connector.domain.capacity import room_for_numbers
from connector.domain.login_ramp import ramp_for
from connector.housekeeping.housekeeping import Housekeeping
from connector.ingestion.history_fetch import LARGEST_PIECE, HistoryFetching
from connector.ingestion.intake import Ingestion
from connector.ingestion.media_fetch import MediaFetching, WakingIntake
from connector.machine import Memory
from connector.people.address_book import AddressBook
from connector.people.attentive import AttentiveIntake
from connector.people.look_ups import LookUps
from connector.people.number_checks import NumberChecks
from connector.people.numbers import AskedNumbers
from connector.people.pictures import Pictures
from connector.people.presence import Appearance, Presences
from connector.ports import FileQueue, Intake, NumberBell, Wakeups
from connector.sealing import Sealer
from connector.sessions.companions import Companion
from connector.sessions.login_gate import LoginGate
from connector.sessions.runner import Surroundings
from connector.sessions.supervisor import Pace, Supervisor
from connector.settings import Settings

FAILED: Final = 1
CLOSE_WITHIN: Final = 1.0
RENEWALS_PER_LEASE: Final = 3
LIFELINE_CONNECTIONS: Final = 4
# Files on their way to Storage: ten of the largest, and four times the room that the
# spool needs to go on receiving stays free.
FILES_ON_DISK: Final = 10
FREE_FOR_OTHERS: Final = 256 * 1024 * 1024

log = structlog.get_logger()


async def serve(settings: Settings, folder: DataFolder, zygote: Zygote) -> int:
    """Run every session this connector may hold, until a signal; the exit code."""
    wakeups = SupabaseWakeups(settings.supabase_url, settings.supabase_secret_key)
    seen = Observability.over(settings, folder, zygote, wakeups)
    client = seen.client()
    # Whatever the numbers ask of Supabase, their leases never queue behind it.
    lifeline = seen.client(LIFELINE_CONNECTIONS)
    servers = MediaServers()
    high_water = HighWater(spool_bytes=settings.spool_limit_bytes)
    launcher = WhatsAppLauncher(zygote, folder.path, settings.state_keys, high_water)
    media_folder = _media_folder(settings, folder)
    queue = seen.file_queue(SupabaseFileQueue(client, settings.media_limit_bytes))
    fetching = _media_fetching(settings, media_folder, client, servers, queue)
    missing = HistoryFetching(
        missing=launcher.spool,
        source=WhatsAppMedia(media_folder, servers, LARGEST_PIECE),
        clock=SystemClock(),
    )
    beside = _Beside.over(client, launcher, servers, fetching, missing, wakeups)
    files = outgoing_files(settings, folder, client)
    shared = Shared(
        outbox=seen.outbox(SupabaseOutbox(client)),
        numbers=beside.numbers,
        files=files,
        file_sent=fetching.wake,
    )
    sending = delivery(settings, launcher, client, wakeups, shared)
    around = _surroundings(settings, launcher, client, beside, sending, seen)
    supervisor = _supervisor(settings, folder, lifeline, wakeups, around, seen)
    _stop_on_signals(supervisor)
    try:
        tidying = housekeeping(folder, launcher, client)
        looking = seen.run(supervisor, lifeline)
        return await _run(supervisor, wakeups, zygote, tidying, looking)
    finally:
        launcher.close()
        await _close(client, lifeline, servers, files)


class _Closing(Protocol):
    async def aclose(self) -> None: ...


async def _close(*connected: _Closing) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_WITHIN):
            for one in connected:
                await one.aclose()


async def _run(
    supervisor: Supervisor,
    wakeups: Wakeups,
    zygote: Zygote,
    tidying: Housekeeping,
    looking: Coroutine[Any, Any, None],
) -> int:
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(_stop_without_zygote(zygote, supervisor))
        beside = [
            tasks.create_task(running)
            for running in (wakeups.run(), tidying.run(), looking)
        ]
        await supervisor.run()
        for task in (watching, *beside):
            task.cancel()
    return FAILED if watching.done() and not watching.cancelled() else 0


async def _stop_without_zygote(zygote: Zygote, supervisor: Supervisor) -> None:
    await zygote.wait_gone()
    log.error("zygote gone, nothing can be launched any more")
    supervisor.stop()


def _stop_on_signals(supervisor: Supervisor) -> None:
    """The first signal stops in order, the second at once."""

    def stop() -> None:
        if supervisor.stopping:
            os._exit(FAILED)
        log.info("stopping")
        supervisor.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def _media_folder(settings: Settings, folder: DataFolder) -> MediaFolder:
    most_bytes = max(FILES_ON_DISK * settings.media_limit_bytes, LARGEST_PIECE)
    return MediaFolder(
        folder.path, Room(most_bytes=most_bytes, free_bytes=FREE_FOR_OTHERS)
    )


def _media_fetching(
    settings: Settings,
    folder: MediaFolder,
    client: SupabaseClient,
    servers: MediaServers,
    queue: FileQueue,
) -> MediaFetching:
    most_bytes = settings.media_limit_bytes
    return MediaFetching(
        source=WhatsAppMedia(folder, servers, most_bytes),
        store=SupabaseFileStore(client),
        queue=queue,
        clock=SystemClock(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What goes on beside messages, and the intake that everything goes through."""

    intake: AttentiveIntake
    numbers: AskedNumbers
    fetching: MediaFetching
    companions: tuple[Companion, ...]

    @classmethod
    def over(
        cls,
        client: SupabaseClient,
        launcher: WhatsAppLauncher,
        servers: MediaServers,
        fetching: MediaFetching,
        missing: HistoryFetching,
        bell: NumberBell,
    ) -> Self:
        clock, people = SystemClock(), SupabasePeople(client)
        storing = WakingIntake(SupabaseIntake(client), fetching.wake)
        look_ups = LookUps(
            people=people,
            intake=storing,
            pictures=Pictures(
                people=people, source=servers, files=SupabaseFileStore(client)
            ),
            clock=clock,
            chance=random.random,
        )
        address_book = AddressBook(
            saved_state=launcher.saved,
            intake=storing,
            sessions=SupabaseSessions(client),
            clock=clock,
            chance=random.random,
        )
        presences = Presences(people=people, clock=clock)
        numbers = _asked_numbers(client, storing)
        return cls(
            intake=AttentiveIntake(storing, look_ups.heard),
            numbers=numbers,
            fetching=fetching,
            companions=(
                *(look_ups, address_book, presences, Appearance(clock=clock)),
                *(NumberChecks(numbers=numbers, bell=bell), missing),
            ),
        )


def _asked_numbers(client: SupabaseClient, intake: Intake) -> AskedNumbers:
    return AskedNumbers(
        store=SupabaseNumbers(client),
        intake=intake,
        clock=SystemClock(),
        chance=random.random,
    )


def _supervisor(
    settings: Settings,
    folder: DataFolder,
    client: SupabaseClient,
    wakeups: Wakeups,
    around: Surroundings,
    seen: Observability,
) -> Supervisor:
    lease = timedelta(seconds=settings.lease_seconds)
    leases = SupabaseLeases(
        client,
        around.clock,
        holder=folder.holder,
        ttl=lease,
        state_keys=Sealer(settings.state_keys).key_ids,
    )
    pace = Pace(
        renew=settings.lease_seconds / RENEWALS_PER_LEASE,
        poll=settings.poll_seconds,
        poll_blind=settings.poll_blind_seconds,
    )
    return Supervisor(
        seen.leases(leases),
        wakeups,
        around,
        pace=pace,
        most_sessions=_room(settings),
    )


def _room(settings: Settings) -> int:
    """For how many numbers: as it was said, or as there is memory."""
    memory = Memory().limit()
    room = settings.max_sessions or room_for_numbers(memory)
    log.info("room for numbers", count=room, bytes=memory)
    return room


def _surroundings(
    settings: Settings,
    launcher: WhatsAppLauncher,
    client: SupabaseClient,
    beside: _Beside,
    sending: Delivery,
    seen: Observability,
) -> Surroundings:
    clock = SystemClock()
    sessions = SupabaseSessions(client)
    fetching = [beside.fetching] if settings.fetch_media else []
    return Surroundings(
        launcher=seen.launcher(launcher),
        sessions=sessions,
        ingestion=Ingestion(
            launcher,
            beside.intake,
            sessions,
            clock,
            stored=seen.received.stored,
            set_aside=seen.received.set_aside,
        ),
        delivery=sending,
        states=state_keeper(settings, launcher, client),
        further=(*beside.companions, *fetching),
        watch=seen.sessions,
        gate=seen.gate(LoginGate(ramp_for(os.cpu_count() or 1))),
        clock=clock,
        chance=random.random,
    )
