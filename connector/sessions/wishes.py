"""What the user wants of a session, read from each renewal of its lease."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connector.domain.session_events import (
    ConnectWanted,
    DisconnectWanted,
    LogOutWanted,
    Wanted,
)
from connector.ports import DesiredState, Launcher, SessionRow
from connector.sessions.companions import KeepingState
from connector.sessions.held_lease import HeldLease


async def wishes(
    held: HeldLease, launcher: Launcher, states: KeepingState
) -> AsyncIterator[Wanted]:
    """Yield the wish that holds now, then every changed or repeated one."""
    known: SessionRow | None = None
    while True:
        renewal = held.next_renewal
        row = held.session
        if known is None or _is_new(row, known):
            known = row
            yield _wanted(row, launcher, states)
        await renewal.wait()


def _is_new(row: SessionRow, known: SessionRow) -> bool:
    return (row.desired_state, row.desired_revision, row.pairing_phone) != (
        known.desired_state,
        known.desired_revision,
        known.pairing_phone,
    )


def _wanted(row: SessionRow, launcher: Launcher, states: KeepingState) -> Wanted:
    match row.desired_state:
        case DesiredState.CONNECTED:
            return ConnectWanted(
                revision=row.desired_revision, pairing_phone=row.pairing_phone
            )
        case DesiredState.DISCONNECTED:
            return DisconnectWanted()
        case _:
            here = launcher.device_store(row.session_id).is_paired()
            # What is saved and cannot be opened is not here, and yet the phone is linked.
            return LogOutWanted(paired=here or states.is_unopened(row.session_id))
