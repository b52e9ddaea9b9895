"""Whom and what a batch mentions: aliases, contacts and chats, each once."""

from __future__ import annotations

from connector.adapters.supabase.rows.writing import Record
from connector.domain.chats import Profile
from connector.domain.messages import Chat, ChatKind, Person


class Mentioned:
    """Collects people and chats while the rows that name them are written."""

    def __init__(self) -> None:
        self._aliases: dict[str, Record] = {}
        self._contacts: dict[str, Record] = {}
        self._chats: dict[str, Record] = {}
        # Everybody comes up many times in a batch.
        self._seen: set[Person | Chat] = set()

    def lists(self) -> dict[str, list[Record]]:
        return {
            "aliases": list(self._aliases.values()),
            "contacts": list(self._contacts.values()),
            "chats": list(self._chats.values()),
        }

    def chat(self, chat: Chat) -> str:
        """Mention a chat and, when it is direct, with whom it is; return its address."""
        jid = str(chat.jid)
        if chat in self._seen:
            return jid
        self._seen.add(chat)
        row = self._chats.setdefault(
            jid, {"jid": jid, "kind": chat.kind.value, "name": None}
        )
        row["name"] = chat.name or row["name"]  # live messages bring no name
        if chat.kind is ChatKind.DIRECT:
            self.person(_counterpart(chat))
        return jid

    def person(self, person: Person, *, is_us: bool = False) -> str:
        """Mention somebody, and return their address; we are no contact of our own."""
        jid = str(person.jid)
        if not is_us:
            self._contact(person, jid)
        elif person.lid is not None and person.phone is not None:
            self._alias(jid, str(person.phone))
        return jid

    def push_name(self, person: Person, name: str, *, is_old: bool = False) -> None:
        """Note what a person calls themselves; old messages tell an old name."""
        row = self._contact(person, str(person.jid))
        if not is_old or "push_name" not in row:
            row["push_name"] = name

    def profile(self, profile: Profile) -> None:
        jid = str(profile.person.jid)
        row = self._contact(profile.person, jid)
        said = {
            "push_name": profile.push_name,
            "saved_name": profile.saved_name,
            "business_name": profile.business_name,
            "on_whatsapp": profile.on_whatsapp,
        }
        row.update((name, value) for name, value in said.items() if value is not None)
        if profile.spelling is not None and profile.person.lid is not None:
            self._alias(jid, str(profile.spelling), spelling=True)

    def _contact(self, person: Person, jid: str) -> Record:
        row = self._contacts.setdefault(jid, {"jid": jid})
        if person in self._seen:
            return row
        self._seen.add(person)
        if person.phone is not None:
            row["phone_number"] = person.phone.phone_number
            if person.lid is not None:
                self._alias(jid, str(person.phone))
        return row

    def _alias(self, lid: str, phone: str, *, spelling: bool = False) -> None:
        row: Record = {"lid": lid, "phone": phone}
        self._aliases[phone] = row | {"spelling": True} if spelling else row


def _counterpart(chat: Chat) -> Person:
    addresses = [jid for jid in (chat.jid, chat.alias) if jid is not None]
    return Person(
        lid=next((jid for jid in addresses if jid.is_lid), None),
        phone=next((jid for jid in addresses if not jid.is_lid), None),
    )
