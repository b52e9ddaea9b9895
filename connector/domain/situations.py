"""Where a session can be, in words a person can act on.

    disconnected -> connecting -> pairing -> connecting -> syncing -> connected
                         ^                                               |
                         +------- reconnecting <-------------------------+

    failed, banned, outdated: wait for a person or for time
    logged_out, replaced: wait for a person; nothing reconnects them by itself

Codes are stable: apps may switch on them. docs/sessions.md shows the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from connector.domain.states import Situation, State, UserAction

DISCONNECTED: Final = Situation(
    "disconnected",
    State.DISCONNECTED,
    UserAction.NONE,
    "Disconnected, as asked.",
)
STARTING: Final = Situation(
    "starting",
    State.CONNECTING,
    UserAction.WAIT,
    "Starting.",
)
QR_READY: Final = Situation(
    "qr_ready",
    State.PAIRING,
    UserAction.SCAN_QR,
    "Scan the QR code: WhatsApp on the phone, Settings, Linked devices.",
)
PAIRING_CODE_READY: Final = Situation(
    "pairing_code_ready",
    State.PAIRING,
    UserAction.SCAN_QR,
    "Type the pairing code: WhatsApp on the phone, Settings, Linked devices, "
    "Link with phone number instead.",
)
PAIRED: Final = Situation(
    "paired",
    State.CONNECTING,
    UserAction.WAIT,
    "The phone accepted the link; logging in.",
)
SYNCING: Final = Situation(
    "syncing",
    State.SYNCING,
    UserAction.WAIT,
    "Connected; fetching what arrived meanwhile.",
)
CONNECTED: Final = Situation(
    "connected",
    State.CONNECTED,
    UserAction.NONE,
    "Connected.",
)
CONNECTION_LOST: Final = Situation(
    "connection_lost",
    State.RECONNECTING,
    UserAction.WAIT,
    "The connection to WhatsApp was lost; reconnecting.",
)
KEEPALIVE_TIMEOUT: Final = Situation(
    "keepalive_timeout",
    State.RECONNECTING,
    UserAction.WAIT,
    "WhatsApp stopped answering; reconnecting.",
)
STREAM_ERROR: Final = Situation(
    "stream_error",
    State.RECONNECTING,
    UserAction.WAIT,
    "WhatsApp closed the connection with an error; reconnecting.",
)
CONNECT_ERROR: Final = Situation(
    "connect_error",
    State.RECONNECTING,
    UserAction.WAIT,
    "WhatsApp cannot be reached; trying again.",
)
SERVER_UNAVAILABLE: Final = Situation(
    "server_unavailable",
    State.RECONNECTING,
    UserAction.WAIT,
    "WhatsApp is unavailable; trying again.",
)
LOGIN_REFUSED: Final = Situation(
    "login_refused",
    State.RECONNECTING,
    UserAction.WAIT,
    "WhatsApp refused the login for now; trying again.",
)
NOT_RESPONDING: Final = Situation(
    "not_responding",
    State.RECONNECTING,
    UserAction.WAIT,
    "Connecting took too long; trying again.",
)
WORKER_EXITED: Final = Situation(
    "worker_exited",
    State.RECONNECTING,
    UserAction.WAIT,
    "The session's process ended unexpectedly; restarting it.",
)
WORKER_KILLED: Final = Situation(
    "worker_killed",
    State.RECONNECTING,
    UserAction.WAIT,
    "The system ended the session's process, most likely because the machine's memory "
    "ran out; restarting it. If it happens again, give the machine more memory, or have "
    "it run fewer numbers.",
)
WORKER_SILENT: Final = Situation(
    "worker_silent",
    State.RECONNECTING,
    UserAction.WAIT,
    "The session's process stopped answering; restarting it.",
)
STATE_KEY_UNKNOWN: Final = Situation(
    "state_key_unknown",
    State.FAILED,
    UserAction.CONTACT_SUPPORT,
    "Messages that wait on the connector's disk were sealed with another WA_STATE_KEY: "
    "give the connector that key as well. Nothing is lost.",
)
STATE_UNREADABLE: Final = Situation(
    "state_unreadable",
    State.FAILED,
    UserAction.CONTACT_SUPPORT,
    "The saved keys of this number cannot be opened: they were sealed with another "
    "WA_STATE_KEY, or damaged. Give the connector that key as well; nothing is "
    "overwritten. If it is lost: ask to log out while this is shown, unlink the device "
    "on the phone, link again.",
)
LAUNCH_FAILED: Final = Situation(
    "launch_failed",
    State.RECONNECTING,
    UserAction.WAIT,
    "The session's process could not be started; trying again.",
)
SPOOL_FULL: Final = Situation(
    "spool_full",
    State.RECONNECTING,
    UserAction.WAIT,
    "The connector has no room to receive; WhatsApp keeps new messages until there is: "
    "64 MB of disk must be free, and what waits or was set aside (zapbase spool list) "
    "fit into WA_SPOOL_LIMIT_MB.",
)
TAKEN_OVER: Final = Situation(
    "taken_over",
    State.RECONNECTING,
    UserAction.WAIT,
    "Another connector took over this number.",
)
CONTESTED: Final = Situation(
    "contested",
    State.RECONNECTING,
    UserAction.WAIT,
    "The connector that had this number before logged in once more; reconnecting.",
)
HANDED_OVER: Final = Situation(
    "handed_over",
    State.RECONNECTING,
    UserAction.WAIT,
    "Moving to another connector, which reconnects in a moment.",
)
CONNECTOR_STOPPED: Final = Situation(
    "connector_stopped",
    State.RECONNECTING,
    UserAction.WAIT,
    "The connector is restarting; it reconnects by itself.",
)
LOGGING_OUT: Final = Situation(
    "logging_out",
    State.CONNECTING,
    UserAction.WAIT,
    "Connecting once more to unlink this device at WhatsApp.",
)
LOGGED_OUT: Final = Situation(
    "logged_out",
    State.LOGGED_OUT,
    UserAction.NONE,
    "Logged out, as asked. Connect again to link a phone.",
)
KEYS_FORGOTTEN: Final = Situation(
    "keys_forgotten",
    State.LOGGED_OUT,
    UserAction.NONE,
    "Logged out here, but not at WhatsApp: the saved keys could not be opened, and are "
    "deleted. Unlink this device on the phone. Connect again to link a phone.",
)
UNLINKED: Final = Situation(
    "unlinked",
    State.LOGGED_OUT,
    UserAction.SCAN_QR,
    "This device was unlinked on the phone. Connect again and scan the QR code.",
)
MAIN_DEVICE_GONE: Final = Situation(
    "main_device_gone",
    State.LOGGED_OUT,
    UserAction.SCAN_QR,
    "WhatsApp ended the link: the account on the phone is locked or gone. "
    "Check WhatsApp on the phone, then connect again and scan the QR code.",
)
UNKNOWN_LOGOUT: Final = Situation(
    "unknown_logout",
    State.LOGGED_OUT,
    UserAction.SCAN_QR,
    "WhatsApp ended the link without saying why, which may mean a ban. "
    "Check WhatsApp on the phone, then connect again and scan the QR code.",
)
TEMPORARY_BAN: Final = Situation(
    "temporary_ban",
    State.BANNED,
    UserAction.WAIT,
    "WhatsApp banned this number for a while; the connector logs in again afterwards.",
)
CLIENT_OUTDATED: Final = Situation(
    "client_outdated",
    State.OUTDATED,
    UserAction.UPDATE_CONNECTOR,
    "WhatsApp no longer accepts this version of the connector: update it.",
)
REPLACED: Final = Situation(
    "replaced",
    State.REPLACED,
    UserAction.CONTACT_SUPPORT,
    "Another program logged in with this linked device's keys. Unlink the device on "
    "the phone unless you know which program it is.",
)
QR_TIMEOUT: Final = Situation(
    "qr_timeout",
    State.FAILED,
    UserAction.SCAN_QR,
    "Nobody scanned the QR code in time. Connect again for a new one.",
)
PAIRING_FAILED: Final = Situation(
    "pairing_failed",
    State.FAILED,
    UserAction.SCAN_QR,
    "Linking failed. Update WhatsApp on the phone, then connect again and scan anew.",
)
PHONE_UNSUPPORTED: Final = Situation(
    "phone_unsupported",
    State.FAILED,
    UserAction.SCAN_QR,
    "WhatsApp on the phone is too old for linked devices: update it, then connect "
    "again and scan anew.",
)
PAIRING_CODE_REFUSED: Final = Situation(
    "pairing_code_refused",
    State.FAILED,
    UserAction.SCAN_QR,
    "WhatsApp gave no pairing code for this phone number: correct pairing_phone, or "
    "clear it to link by QR code, then connect again.",
)
CONNECT_FAILURE: Final = Situation(
    "connect_failure",
    State.FAILED,
    UserAction.CONTACT_SUPPORT,
    "WhatsApp refused the login. Connect again to retry; scan anew if it persists.",
)

SITUATIONS: Final[Mapping[str, Situation]] = {
    situation.code: situation
    for situation in tuple(globals().values())
    if isinstance(situation, Situation)
}

# Sub-codes of <failure reason="402">, as whatsmeow names them.
_BAN_REASONS: Final[Mapping[int, str]] = {
    101: "too many messages to people who do not know this number",
    102: "too many people blocked this number",
    103: "too many groups made with people who do not know this number",
    104: "the same message sent too often",
    106: "too many messages to a broadcast list",
}


def temporary_ban(code: int | None, until: datetime | None) -> Situation:
    """The ban with its reason and its end, as far as WhatsApp gave them."""
    reason = _BAN_REASONS.get(code or 0)
    because = f" ({reason})" if reason else ""
    end = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "for a while"
    message = (
        f"WhatsApp banned this number {end}{because}; the connector logs in again "
        "afterwards."
    )
    return replace(TEMPORARY_BAN, message=message)
