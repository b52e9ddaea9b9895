"""How what happens in a group, besides messages, becomes `p_batch`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.adapters.supabase import rows
from connector.domain.addresses import Jid
from connector.domain.changes import Edit, Reaction, Revocation, Vote
from connector.domain.chats import (
    ChatColumn,
    ChatUpdate,
    Member,
    MemberChange,
    Role,
    Roster,
)
from connector.domain.incoming import Incoming
from connector.domain.messages import (
    Chat,
    ChatKind,
    OwnRead,
    Person,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
FAMILY = Chat(jid=Jid("120363", "g.us"), kind=ChatKind.GROUP)
ME = Person(lid=Jid("99", "lid"), phone=Jid("5511912345678", "s.whatsapp.net"))
EVA = Person(lid=Jid("2", "lid"), phone=Jid("5531912345678", "s.whatsapp.net"))
AT = "2026-01-02T12:00:00+00:00"
WRITTEN: list[tuple[Incoming, str, dict[str, Any]]] = [
    (OwnRead(chat=FAMILY, at=NOON), "own_reads", {"chat_jid": "120363@g.us", "at": AT}),
    (
        Edit(
            chat=FAMILY,
            whatsapp_id="3EB0",
            from_me=False,
            sender=EVA,
            edit_id="3EB1",
            body="olá @1",
            content={"forwarded": True},
            mentions=(Jid("1", "lid"),),
            edited_at=NOON,
        ),
        "edits",
        {
            "chat_jid": "120363@g.us",
            "whatsapp_id": "3EB0",
            "from_me": False,
            "sender_jid": "2@lid",
            "edit_id": "3EB1",
            "body": "olá @1",
            "content": {"forwarded": True},
            "mentions": ["1@lid"],
            "edited_at": AT,
        },
    ),
    (
        Revocation(
            chat=FAMILY,
            whatsapp_id="3EB0",
            from_me=False,
            author=None,
            revoked_by=EVA,
            by_admin=True,
            revoked_at=NOON,
        ),
        "revokes",
        {
            "chat_jid": "120363@g.us",
            "whatsapp_id": "3EB0",
            "from_me": False,
            "author_jid": None,
            "revoked_by_jid": "2@lid",
            "by_admin": True,
            "revoked_at": AT,
        },
    ),
    (
        Reaction(
            chat=FAMILY,
            whatsapp_id="3EB0",
            sender=EVA,
            from_me=False,
            emoji="👍",
            reacted_at=NOON,
        ),
        "reactions",
        {
            "chat_jid": "120363@g.us",
            "whatsapp_id": "3EB0",
            "sender_jid": "2@lid",
            "from_me": False,
            "emoji": "👍",
            "reacted_at": AT,
        },
    ),
    (
        Vote(
            chat=FAMILY,
            whatsapp_id="3EB0",
            voter=EVA,
            from_me=False,
            options=(b"\xab" * 32,),
            voted_at=NOON,
        ),
        "votes",
        {
            "chat_jid": "120363@g.us",
            "whatsapp_id": "3EB0",
            "voter_jid": "2@lid",
            "from_me": False,
            "options": ["ab" * 32],
            "voted_at": AT,
        },
    ),
    (
        ChatUpdate(chat=FAMILY, as_of=NOON, columns={ChatColumn.ARCHIVED: True}),
        "chat_updates",
        {
            "jid": "120363@g.us",
            "as_of": AT,
            "from_history": False,
            "columns": {"archived": True},
        },
    ),
    (
        MemberChange(chat=FAMILY, person=EVA, role=None, as_of=NOON),
        "members",
        {"chat_jid": "120363@g.us", "jid": "2@lid", "role": None, "as_of": AT},
    ),
    (
        Roster(chat=FAMILY, members=(Member(person=EVA, role=Role.ADMIN),), as_of=NOON),
        "rosters",
        {
            "chat_jid": "120363@g.us",
            "as_of": AT,
            "members": [{"jid": "2@lid", "role": "admin"}],
        },
    ),
]


@pytest.mark.parametrize(("item", "name", "row"), WRITTEN, ids=[w[1] for w in WRITTEN])
def test_every_word_has_its_list_and_brings_its_chat(
    item: Incoming, name: str, row: dict[str, Any]
) -> None:
    batch = rows.batch([item])

    assert batch[name] == [row]
    assert [chat["jid"] for chat in batch["chats"]] == ["120363@g.us"]


@pytest.mark.parametrize("item", [w[0] for w in WRITTEN[1:] if w[1] != "chat_updates"])
def test_everybody_who_is_named_is_a_contact_with_both_addresses(
    item: Incoming,
) -> None:
    batch = rows.batch([item])

    assert batch["contacts"] == [{"jid": "2@lid", "phone_number": "5531912345678"}]
    assert batch["aliases"] == [
        {"lid": "2@lid", "phone": "5531912345678@s.whatsapp.net"}
    ]


def test_our_own_addresses_are_told_apart_from_contacts() -> None:
    ours = Reaction(
        chat=FAMILY,
        whatsapp_id="3EB0",
        sender=ME,
        from_me=True,
        emoji="",
        reacted_at=NOON,
    )

    batch = rows.batch([ours])

    assert "contacts" not in batch
    assert batch["aliases"] == [
        {"lid": "99@lid", "phone": "5511912345678@s.whatsapp.net"}
    ]
