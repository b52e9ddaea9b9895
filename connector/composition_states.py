"""The composition of what saves and restores the numbers' keys."""

from __future__ import annotations

import random

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.device_state import SupabaseDeviceStates
from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.clock import SystemClock
from connector.sealed_state import StateSeal
from connector.sessions.state_keeper import StateKeeper
from connector.settings import Settings


def state_keeper(
    settings: Settings, launcher: WhatsAppLauncher, client: SupabaseClient
) -> StateKeeper:
    return StateKeeper(
        states=SupabaseDeviceStates(client),
        local=launcher.local_state,
        seal=lambda session_id: StateSeal.of(session_id, settings.state_keys),
        clock=SystemClock(),
        chance=random.random,
    )
