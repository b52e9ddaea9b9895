"""The columns that say where a session is: `state`, `state_code`, `user_action`."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """Stored verbatim in `wa_sessions.state`; keep the check constraint in step."""

    DISCONNECTED = "disconnected"
    PAIRING = "pairing"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    LOGGED_OUT = "logged_out"
    BANNED = "banned"
    OUTDATED = "outdated"
    REPLACED = "replaced"
    FAILED = "failed"


class UserAction(enum.StrEnum):
    """Stored verbatim in `wa_sessions.user_action`."""

    NONE = "none"
    SCAN_QR = "scan_qr"
    WAIT = "wait"
    UPDATE_CONNECTOR = "update_connector"
    CONTACT_SUPPORT = "contact_support"


@dataclass(frozen=True, slots=True)
class Situation:
    """One row of the table: `state_code`, `state`, `user_action`, `state_message`."""

    code: str
    state: State
    user_action: UserAction
    message: str
