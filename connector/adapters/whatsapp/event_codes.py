"""The numbers neonize gives its events (neonize 0.5.2, events.py, EVENT_TO_INT)."""

from __future__ import annotations

import enum
from typing import Final


class Code(enum.IntEnum):
    """The events we subscribe to; neonize drops the others before they reach Python."""

    DEVICE = 0  # always comes first, subscribed or not
    PAIR_STATUS = 2
    CONNECTED = 3
    KEEPALIVE_TIMEOUT = 4
    KEEPALIVE_RESTORED = 5
    LOGGED_OUT = 6
    STREAM_REPLACED = 7
    TEMPORARY_BAN = 8
    CONNECT_FAILURE = 9
    CLIENT_OUTDATED = 10
    STREAM_ERROR = 11
    DISCONNECTED = 12
    HISTORY_SYNC = 13
    MESSAGE = 17
    RECEIPT = 18
    CHAT_PRESENCE = 19
    PRESENCE = 20
    JOINED_GROUP = 21
    GROUP_INFO = 22
    PICTURE = 23
    OFFLINE_SYNC_COMPLETED = 27
    CALL_OFFER = 36
    CALL_OFFER_NOTICE = 40
    UNDECRYPTABLE_MESSAGE = 44


# WhatsApp will not send these again: they go to the spool before anything else.
STORED: Final = frozenset(
    {
        Code.HISTORY_SYNC,
        Code.MESSAGE,
        Code.RECEIPT,
        Code.JOINED_GROUP,
        Code.GROUP_INFO,
        Code.PICTURE,
        Code.CALL_OFFER,
        Code.CALL_OFFER_NOTICE,
        Code.UNDECRYPTABLE_MESSAGE,
    }
)
