"""Everything that may come in about a few conversations, by topic; forged things too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.database.circumstances import at, member, roster, update
from tests.database.conversation import (
    ALIAS,
    BOB,
    BOBS_PHONE,
    CAROL,
    CAROLS_PHONE,
    FAMILY,
    US,
    edit,
    message,
    ours,
    reaction,
    receipt,
    revoke,
    vote,
)
from tests.database.files import picture
from tests.database.scene import Row

# Bob is known by either address; who learns the mapping when must make no difference.
BY_EITHER: Sequence[Row] = [
    {"chat_jid": BOB, "sender_jid": BOB},
    {"chat_jid": BOBS_PHONE, "sender_jid": BOBS_PHONE},
]
BY_PHONE = BY_EITHER[1]
CAROL_SAYS = {"chat_jid": FAMILY, "sender_jid": CAROL, "sender_name": "Carol"}
CAROLS_PHONE_SAYS = CAROL_SAYS | {"sender_jid": CAROLS_PHONE}
IN_FAMILY = {"chat_jid": FAMILY}
CAROL_IN_FAMILY = IN_FAMILY | {"sender_jid": CAROL}
BOBS_OTHER_SPELLING = "552187654321@s.whatsapp.net"


def said(*given: Row) -> list[Row]:
    return [{"messages": [row]} for row in given]


def a_poll(**changes: Any) -> dict[str, Any]:
    content = {"options": ["beach", "home"], "selectable": 1}
    return message(
        "P", kind="poll", content=content, sent_at=at(30), **(CAROL_SAYS | changes)
    )


PEOPLE: Sequence[Row] = [
    ALIAS,
    {"aliases": [{"lid": CAROL, "phone": CAROLS_PHONE}]},
    {"aliases": [{"lid": BOB, "phone": BOBS_OTHER_SPELLING, "spelling": True}]},
]
MESSAGES: Sequence[Row] = [
    *said(*(message("A", sent_at=at(1), **who) for who in BY_EITHER)),
    *said(*(message("B", sent_at=at(2), **who) for who in BY_EITHER)),
    *said(ours("C", sent_at=at(3)), ours("C", sent_at=at(3), chat_jid=BOBS_PHONE)),
    *said(ours("D", sent_at=at(4), **IN_FAMILY)),
    *said(message("G", sent_at=at(5), **CAROL_SAYS)),
    *said(message("G", sent_at=at(5), **CAROLS_PHONE_SAYS)),
]
TOPICS: Mapping[str, Sequence[Row]] = {
    "history": [
        # It tells what was edited since as it is now.
        *said(message("A", source="history", body="edit 1", sent_at=at(1))),
        *said(
            message("B", source="history", sender_name=None, sent_at=at(2), **BY_PHONE)
        ),
        *said(ours("C", source="history", status="delivered", sent_at=at(3))),
        {"edits": [edit("A", "1", edited_at=at(11))]},
    ],
    "receipts": [
        {"receipts": [receipt("C", "delivered", at=at(5))]},
        {
            "receipts": [
                receipt(
                    "C",
                    "read",
                    at=at(6),
                    chat_jid=BOBS_PHONE,
                    participant_jid=BOBS_PHONE,
                )
            ]
        },
        {"receipts": [receipt("C", "read", at=at(7))]},
        {
            "receipts": [
                receipt(
                    "D", "played", participant_jid=BOBS_PHONE, at=at(8), **IN_FAMILY
                )
            ]
        },
        {"receipts": [receipt("D", "delivered", at=at(8), **IN_FAMILY)]},
        {"receipts": [receipt("unknown", "read", at=at(9))]},
    ],
    "people": [
        {"contacts": [{"jid": BOB, "push_name": "Bob"}]},
        {"contacts": [{"jid": BOB, "past_name": "Roberto"}]},
        {"contacts": [{"jid": BOBS_PHONE, "phone_number": "5521987654321"}]},
        {"contacts": [{"jid": BOBS_OTHER_SPELLING, "saved_name": "Bob da Silva"}]},
        {"contacts": [{"jid": CAROL, "business_name": "Carol e Cia."}]},
        {"contacts": [{"jid": CAROLS_PHONE, "saved_name": ""}]},
        {"chats": [{"jid": FAMILY, "kind": "group", "name": "Família"}]},
        {"chats": [{"jid": "status@broadcast", "kind": "status", "name": None}]},
        *said(
            message(
                "S", sent_at=at(9), chat_jid="1@newsletter", sender_jid=CAROLS_PHONE
            )
        ),
    ],
    "edits": [
        {"edits": [edit("A", "1", edited_at=at(11), content={"link_preview": {}})]},
        {"edits": [edit("A", "2", edited_at=at(12), **BY_PHONE)]},
        {"edits": [edit("A", "3", edited_at=at(12))]},
        {"edits": [edit("A", "forged", edited_at=at(13), sender_jid=CAROLS_PHONE)]},
        {"edits": [edit("A", "2", body="forged", edited_at=at(13), sender_jid=CAROL)]},
        {
            "edits": [
                edit("C", "ours", from_me=True, sender_jid=US, edited_at=at(14)),
                edit("C", "forged", edited_at=at(15)),
            ]
        },
        {
            "edits": [
                edit(
                    "G",
                    "G1",
                    edited_at=at(16),
                    mentions=[BOBS_PHONE],
                    sender_jid=CAROLS_PHONE,
                    **IN_FAMILY,
                )
            ]
        },
        {"edits": [edit("G", "G2", edited_at=at(17), **CAROL_IN_FAMILY)]},
        {"edits": [edit("G", "forged", edited_at=at(18), **IN_FAMILY)]},
    ],
    "revokes": [
        {"revokes": [revoke("B", revoked_at=at(21))]},
        {
            "revokes": [
                revoke(
                    "B",
                    revoked_at=at(20),
                    chat_jid=BOBS_PHONE,
                    revoked_by_jid=BOBS_PHONE,
                )
            ]
        },
        {"revokes": [revoke("A", revoked_by_jid=CAROL, revoked_at=at(22))]},
        {"revokes": [revoke("A", by_admin=True, revoked_by_jid=CAROL)]},
        {"revokes": [revoke("C", from_me=True, revoked_at=at(23))]},
        {
            "revokes": [
                revoke(
                    "D", from_me=True, revoked_by_jid=US, revoked_at=at(24), **IN_FAMILY
                )
            ]
        },
        {"revokes": [revoke("G", revoked_at=at(25), **IN_FAMILY)]},
        {
            "revokes": [
                revoke(
                    "G",
                    revoked_by_jid=BOBS_PHONE,
                    by_admin=True,
                    revoked_at=at(27),
                    **IN_FAMILY,
                )
            ]
        },
        {
            "revokes": [
                revoke("G", revoked_by_jid=CAROLS_PHONE, revoked_at=at(26), **IN_FAMILY)
            ]
        },
    ],
    "undecryptable": [
        *said(
            *(
                message("U", kind="undecryptable", body=None, sent_at=at(40), **who)
                for who in BY_EITHER
            )
        ),
        *said(
            *(
                message("U", body="oi", quoted_whatsapp_id="C", sent_at=at(40), **who)
                for who in BY_EITHER
            )
        ),
        {"edits": [edit("U", "U1", edited_at=at(41), **BY_PHONE)]},
        {"revokes": [revoke("U", revoked_at=at(42))]},
    ],
    "replies": [
        *said(
            *(
                message("R", quoted_whatsapp_id="A", sent_at=at(43), **who)
                for who in BY_EITHER
            )
        ),
        *said(ours("Q", quoted_whatsapp_id="R", sent_at=at(44))),
        *said(message("Z", quoted_whatsapp_id="unknown", sent_at=at(45))),
        *said(
            message(
                "M", mentions=[BOBS_PHONE, CAROL], sent_at=at(46), **CAROLS_PHONE_SAYS
            ),
            message("M", mentions=[BOB, CAROL], sent_at=at(46), **CAROL_SAYS),
        ),
    ],
    "reactions": [
        {"reactions": [reaction("A", "👍", reacted_at=at(31))]},
        {"reactions": [reaction("A", "🎉", reacted_at=at(32), **BY_PHONE)]},
        {"reactions": [reaction("A", "", reacted_at=at(32), **BY_PHONE)]},
        {"reactions": [reaction("C", "", reacted_at=at(33))]},
        {"reactions": [reaction("A", "❤", from_me=True, sender_jid=US)]},
        {"reactions": [reaction("G", "😮", sender_jid=BOBS_PHONE, **IN_FAMILY)]},
        {"reactions": [reaction("G", "😮", sender_jid=CAROLS_PHONE, **IN_FAMILY)]},
    ],
    "votes": [
        *said(a_poll(), a_poll(sender_jid=CAROLS_PHONE)),
        {"votes": [vote("P", "beach", voted_at=at(34))]},
        {"votes": [vote("P", "home", voted_at=at(35), voter_jid=BOBS_PHONE)]},
        {"votes": [vote("P", voted_at=at(36), voter_jid=CAROL)]},
        {"votes": [vote("P", voted_at=at(35), voter_jid=BOBS_PHONE, options=None)]},
        {"votes": [vote("P", "home", from_me=True, voter_jid=US)]},
        {"votes": [vote("P", "home", "beach", voter_jid=CAROLS_PHONE)]},
    ],
    "reading": [
        {"own_reads": [{"chat_jid": BOB, "at": at(1)}]},
        {"own_reads": [{"chat_jid": BOBS_PHONE, "at": at(2)}]},
        {"own_reads": [{"chat_jid": FAMILY, "at": at(5)}]},
        *said(message("T", kind="system", body=None, sent_at=at(47), **CAROL_SAYS)),
        *said(message("late", sent_at=at(48), **BY_PHONE)),
        {"chat_updates": [update(0, jid=BOB, from_history=True, unread_count=3)]},
        {"chat_updates": [update(0, jid=BOBS_PHONE, from_history=True, pinned=True)]},
        {"chat_updates": [update(9, name="Família Silva", archived=True)]},
    ],
    "groups": [
        {"members": [member(BOBS_PHONE, "admin", 1)]},
        {"members": [member(BOB, None, 2)]},
        {"members": [member(CAROLS_PHONE, "member", 4)]},
        {"rosters": [roster(3, ana="admin", bob="member")]},
        {"rosters": [roster(2, us="member")]},
        {"stale": [{"jid": FAMILY, "aspect": "group", "as_of": at(4)}]},
        {"stale": [{"jid": BOBS_PHONE, "aspect": "picture", "as_of": at(4)}]},
    ],
    "files": [
        *({"messages": [{**picture("F", second=50), **who}]} for who in BY_EITHER),
        *said(message("F", kind="undecryptable", body=None, sent_at=at(50))),
        {"messages": [picture("K", second=51) | CAROLS_PHONE_SAYS]},
    ],
}
