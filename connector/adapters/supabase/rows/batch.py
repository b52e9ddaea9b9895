"""`p_batch` for `wa_store_batch`, whose comment in the migrations gives its shape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from connector.adapters.supabase.rows import changes, chats, messages
from connector.adapters.supabase.rows.people import Mentioned
from connector.adapters.supabase.rows.writing import Record
from connector.domain.changes import Edit, Reaction, Revocation, Vote
from connector.domain.chats import ChatUpdate, MemberChange, Profile, Roster, Stale
from connector.domain.incoming import HistoryProgress, Incoming, furthest
from connector.domain.messages import Message, OwnRead, Receipt

Batch: TypeAlias = dict[str, Any]  # Json, that is
_Write = Callable[[Any, Mentioned], Record]


def batch(incoming: Sequence[Incoming]) -> Batch:
    """Only lists that hold something; people and chats once, whoever mentions them."""
    mentioned = Mentioned()
    lists: dict[str, list[Record]] = defaultdict(list)
    for item in incoming:
        match item:
            case Receipt():
                lists["receipts"].extend(messages.receipts(item, mentioned))
            case Profile():
                mentioned.profile(item)
            case Stale():
                lists["stale"].append(chats.stale(item))
            case HistoryProgress():
                pass  # one for the whole batch, below
            case _:
                name, write = _LISTS[type(item)]
                lists[name].append(write(item, mentioned))
    everything = mentioned.lists() | lists
    found: Batch = {name: rows for name, rows in everything.items() if rows}
    if progress := furthest(incoming):
        found["history"] = {"percent": progress.percent, "done": progress.done}
    return found


_LISTS: Final[Mapping[type[Incoming], tuple[str, _Write]]] = {
    Message: ("messages", messages.message),
    OwnRead: ("own_reads", messages.own_read),
    Edit: ("edits", changes.edit),
    Revocation: ("revokes", changes.revocation),
    Reaction: ("reactions", changes.reaction),
    Vote: ("votes", changes.vote),
    ChatUpdate: ("chat_updates", chats.chat_update),
    MemberChange: ("members", chats.member),
    Roster: ("rosters", chats.roster),
}
