"""What is known of chats besides what is said in them: settings, members, gaps."""

from __future__ import annotations

from connector.adapters.supabase.rows.people import Mentioned
from connector.adapters.supabase.rows.writing import Record, timestamp
from connector.domain.chats import ChatUpdate, MemberChange, Roster, Stale


def chat_update(item: ChatUpdate, mentioned: Mentioned) -> Record:
    return {
        "jid": mentioned.chat(item.chat),
        "as_of": timestamp(item.as_of),
        "from_history": item.from_history,
        "columns": {column.value: value for column, value in item.columns.items()},
    }


def member(item: MemberChange, mentioned: Mentioned) -> Record:
    return {
        "chat_jid": mentioned.chat(item.chat),
        "jid": mentioned.person(item.person),
        "role": None if item.role is None else item.role.value,
        "as_of": timestamp(item.as_of),
    }


def roster(item: Roster, mentioned: Mentioned) -> Record:
    return {
        "chat_jid": mentioned.chat(item.chat),
        "as_of": timestamp(item.as_of),
        "members": [
            {"jid": mentioned.person(one.person), "role": one.role.value}
            for one in item.members
        ],
    }


def stale(item: Stale) -> Record:
    return {
        "jid": str(item.jid),
        "aspect": item.aspect.value,
        "as_of": timestamp(item.as_of),
    }
