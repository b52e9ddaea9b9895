"""Keeps whatsmeow from using a place in a ratchet twice.

whatsmeow reads a ratchet, goes on with it and writes it back without a lock: while one of
its threads decrypts what somebody says, another may encrypt for the same person. When the
first writes last, the place that the second used is free again, and the next message
stands there, too. The recipient's phone takes that one for a repetition and ignores it,
without a word to anybody, while WhatsApp's server says that it was sent.

So the store itself refuses to let the sending side of a ratchet go back. What the refused
write knew of the receiving side is worked out again with the next message.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.store.opening import connected

_NAME: Final = "zapbase_forward_only"
_BUSY_MILLISECONDS: Final = 200
_SENDING: Final = "$.SessionState.SenderChain"
_OLD, _NEW = (f"cast({which}.session as text)" for which in ("old", "new"))


def _of(session: str, field: str) -> str:
    return f"json_extract({session}, '{_SENDING}.{field}')"


# A CASE, which looks no further: json_extract fails for what is no JSON.
_GUARD: Final = f"""
create trigger if not exists {_NAME}
before update of session on whatsmeow_sessions
when case when json_valid({_OLD}) and json_valid({_NEW}) then
  {_of(_NEW, "SenderRatchetKeyPublic")} = {_of(_OLD, "SenderRatchetKeyPublic")}
  and {_of(_NEW, "ChainKey.Index")} < {_of(_OLD, "ChainKey.Index")}
end
begin
  select raise(ignore);
end
"""
_STATE: Final = """
select
  count(*) filter (where type = 'table' and name = 'whatsmeow_sessions'),
  count(*) filter (where type = 'trigger' and name = ?)
from sqlite_master
"""


def guard_ratchets(store: Path) -> bool:
    """Whether they are guarded now: a store that was never paired has none yet.

    Also beside a running worker. Raises sqlite3.Error.
    """
    with connected(store) as connection:
        tables, guards = connection.execute(_STATE, (_NAME,)).fetchone()
    if tables and not guards:
        with connected(store, "rw") as connection, connection:
            # Everybody waits meanwhile: it is tried again with the next look at the outbox.
            connection.execute(f"pragma busy_timeout = {_BUSY_MILLISECONDS}")
            connection.execute(_GUARD)
    return bool(tables)
