"""neonize's JIDs as our addresses: the LID is a person's canonical one.

Any event may be addressed by LID or by phone number; `SenderAlt` and `RecipientAlt`
carry the other one when WhatsApp told it (notes at whatsmeow types/message.go).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from connector.adapters.whatsapp.bounds import LONGEST_ID, clean
from connector.domain.addresses import LID_SERVER, PHONE_SERVER, Jid
from connector.domain.messages import Chat, ChatKind, Person
from connector.errors import InvalidAddress

BROADCAST_SERVER: Final = "broadcast"
NEWSLETTER_SERVER: Final = "newsletter"
STATUS: Final = Jid("status", BROADCAST_SERVER)
# Other spellings of the two kinds of personal address.
_SERVERS: Final = {
    "c.us": PHONE_SERVER,
    "hosted": PHONE_SERVER,
    "hosted.lid": LID_SERVER,
}


@lru_cache(maxsize=4096)
def parse(text: str) -> Jid:
    """Read an address as a string; its device is dropped. Raises InvalidAddress."""
    jid = Jid.parse(text)
    server = _SERVERS.get(jid.server)
    return jid if server is None else Jid(jid.user, server)


def jid_of(message: Any) -> Jid | None:
    """Read a neonize JID; None when it is empty. Raises InvalidAddress."""
    return parse(f"{message.User}@{message.Server}") if message.User else None


def several(texts: Iterable[str]) -> tuple[Jid, ...]:
    """Those of the addresses that make sense."""
    found = []
    for text in texts:
        with contextlib.suppress(InvalidAddress):
            found.append(parse(text))
    return tuple(found)


def address(text: str | bytes) -> Jid | None:
    """An address as a string, or None when it is missing or makes no sense."""
    try:
        return parse(clean(text, LONGEST_ID)) if text else None
    except InvalidAddress:
        return None


def is_personal(jid: Jid) -> bool:
    """Whether it is somebody's, and not a group's or a list's."""
    return jid.server in {LID_SERVER, PHONE_SERVER}


def is_same(one: Person | None, other: Person | None) -> bool:
    """Whether two people, each known by an address or two, are surely one."""
    if one is None or other is None:
        return False
    return bool(one.lid and one.lid == other.lid) or bool(
        one.phone and one.phone == other.phone
    )


def person(*addresses: Jid | None) -> Person | None:
    """Whom these addresses, of which some may be unknown, belong to."""
    lid = phone = other = None
    for jid in addresses:
        if jid is None:
            continue
        if jid.is_lid:
            lid = lid or jid
        elif jid.server == PHONE_SERVER:
            phone = phone or jid
        else:
            other = other or jid  # a bot or a server: it has this one address
    if lid is None and phone is None and other is None:
        return None
    return Person(lid=lid or other, phone=phone)


def direct_chat(with_person: Person, name: str | None = None) -> Chat:
    alias = with_person.phone if with_person.lid is not None else None
    return Chat(jid=with_person.jid, kind=ChatKind.DIRECT, alias=alias, name=name)


def group_chat(jid: Jid, name: str | None = None) -> Chat:
    return Chat(jid=jid, kind=ChatKind.GROUP, name=name)


def status_chat() -> Chat:
    return Chat(jid=STATUS, kind=ChatKind.STATUS)


def newsletter_chat(jid: Jid, name: str | None = None) -> Chat:
    return Chat(jid=jid, kind=ChatKind.NEWSLETTER, name=name)
