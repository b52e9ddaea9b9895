"""Everything that one machine can reach gets the key that seals now, and who needs which."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from connector.adapters.whatsapp.sealed_folders import sealed_folders
from connector.errors import SpoolUnavailable
from connector.keys.saved_states import Exchange, SavedStates
from connector.ports.keys import DeviceStateKeys, StateKeys
from connector.sealing import Sealer


@dataclass(slots=True)
class Uses:
    """How much needs each key, by the key's id."""

    resting: Counter[str] = field(default_factory=Counter)  # saved states
    running: Counter[str] = field(default_factory=Counter)  # of sessions that run
    sending: Counter[str] = field(default_factory=Counter)  # messages being sent
    here: Counter[str] = field(default_factory=Counter)  # values in this data folder
    unread: int = 0  # sessions whose folder could not be looked into

    @property
    def keys(self) -> list[str]:
        return sorted({*self.resting, *self.running, *self.sending, *self.here})


@dataclass(slots=True)
class Done:
    states: int = 0
    values: int = 0


async def uses(keys: DeviceStateKeys, data: Path) -> Uses:
    """Raises SupabaseUnavailable, SupabaseRefused."""
    found = Uses()
    await asyncio.to_thread(_look_here, data, found)
    async for state in keys.all():
        kind = found.running if state.is_held else found.resting
        kind.update(state.state_keys)
        found.sending.update(state.claim_keys)
    return found


async def exchange_all(
    keys: DeviceStateKeys, saved: SavedStates, data: Path, sealer: Sealer
) -> Done:
    """Raises SupabaseUnavailable, SupabaseRefused; what was done by then is done."""
    done = Done()
    done.values = await asyncio.to_thread(_exchange_here, data, sealer)
    async for state in keys.all():
        if _is_to_exchange(state, sealer):
            outcome = await saved.exchange(state.session_id)
            done.states += outcome is Exchange.DONE
    return done


def _is_to_exchange(state: StateKeys, sealer: Sealer) -> bool:
    return not state.is_held and set(state.state_keys) != {sealer.current_key}


def _look_here(data: Path, found: Uses) -> None:
    for folder in sealed_folders(data):
        try:
            found.here.update(folder.keys())
        except (SpoolUnavailable, OSError):
            found.unread += 1


def _exchange_here(data: Path, sealer: Sealer) -> int:
    exchanged = 0
    for folder in sealed_folders(data):
        # What cannot be read or written is found out, and said, by looking afterwards.
        with contextlib.suppress(SpoolUnavailable, OSError):
            exchanged += folder.exchange(sealer)
    return exchanged
