"""Builds the housekeeping; the rest is composition.py's."""

from __future__ import annotations

import random

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.housekeeping import SupabaseHousekeeping
from connector.adapters.supabase.media import SupabaseFileStore
from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.adapters.whatsapp.store.left_folders import LeftFolders
from connector.clock import SystemClock
from connector.data_folder import DataFolder
from connector.housekeeping.housekeeping import Housekeeping


def housekeeping(
    folder: DataFolder, launcher: WhatsAppLauncher, client: SupabaseClient
) -> Housekeeping:
    return Housekeeping(
        store=SupabaseHousekeeping(client),
        files=SupabaseFileStore(client),
        folders=LeftFolders(folder.path, launcher.let_go),
        clock=SystemClock(),
        chance=random.random,
    )
