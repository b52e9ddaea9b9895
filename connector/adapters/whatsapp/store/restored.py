"""What a store must forget that was restored from an earlier copy.

Its ratchets stand where the copy was made. What it encrypts with them are places that the
recipients have read already: their phones take it for a repetition and ignore it, without
a word to anybody, while WhatsApp's server says that it was sent. Without ratchets
whatsmeow begins new ones, with fresh keys of everybody it writes to. What others encrypt
for the old ones comes again when whatsmeow asks for it, as after a reinstallation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import structlog

from connector.adapters.whatsapp.store.opening import connected

_SESSIONS: Final = "delete from whatsmeow_sessions"
# In groups, our own: those of others only ever go forward.
_SENDER_KEYS: Final = """
delete from whatsmeow_sender_keys where exists (
  select own.jid from whatsmeow_device as own
  where substr(sender_id, 1, instr(sender_id, ':') - 1) in (
    substr(own.jid, 1, instr(own.jid, ':') - 1),
    substr(own.lid, 1, instr(own.lid, ':') - 1) || '_1'
  )
)
"""
_TABLES: Final = """
select count(*) from sqlite_master
where name in ('whatsmeow_sessions', 'whatsmeow_sender_keys')
"""

log = structlog.get_logger()


def forget_ratchets(store: Path) -> None:
    """Only while no worker holds the folder. A store that was never paired has none."""
    with connected(store, "rw") as connection, connection:
        if connection.execute(_TABLES).fetchone() == (2,):
            connection.execute(_SESSIONS)
            connection.execute(_SENDER_KEYS)
            log.warning(
                "store restored: its ratchets are begun anew",
                session_id=store.parent.name,
            )
