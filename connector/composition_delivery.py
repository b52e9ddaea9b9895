"""Builds what the outbox is sent with; the rest is composition.py's."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from connector.adapters.files.outgoing_files import FREE_FOR_OTHERS, OutgoingFiles
from connector.adapters.files.scratch import ScratchFolder
from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.stored_files import SupabaseStoredFiles
from connector.adapters.supabase.uploads import SupabaseUploads
from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.clock import SystemClock
from connector.data_folder import DataFolder
from connector.delivery.delivery import Delivery
from connector.machine import Memory
from connector.ports import Files, Numbers, OutboxStore, SessionId, Wakeups
from connector.sealing import Sealer
from connector.settings import Settings


def outgoing_files(
    settings: Settings, folder: DataFolder, client: SupabaseClient
) -> OutgoingFiles:
    return OutgoingFiles(
        SupabaseStoredFiles(client),
        ScratchFolder(folder.path, FREE_FOR_OTHERS),
        most_bytes=settings.send_limit_bytes,
        trusted_hosts=settings.trusted_url_hosts,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What delivery shares with others."""

    outbox: OutboxStore
    numbers: Numbers
    files: Files
    file_sent: Callable[[SessionId], None]


def delivery(
    settings: Settings,
    launcher: WhatsAppLauncher,
    client: SupabaseClient,
    wakeups: Wakeups,
    shared: Shared,
) -> Delivery:
    return Delivery(
        launcher=launcher,
        unrecorded=launcher.unrecorded,
        outbox=shared.outbox,
        numbers=shared.numbers,
        files=shared.files,
        uploads=SupabaseUploads(client),
        file_sent=shared.file_sent,
        wakeups=wakeups,
        sealer=Sealer(settings.state_keys),
        clock=SystemClock(),
        chance=random.random,
        spare_memory=Memory().available,
        poll=timedelta(seconds=settings.poll_seconds),
        poll_blind=timedelta(seconds=settings.poll_blind_seconds),
    )
