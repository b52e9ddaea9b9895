"""Whom and what a batch mentions: aliases, contacts and chats, each once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from connector.adapters.supabase.rows.writing import Record
from connector.domain.chats import Profile
from connector.domain.messages import Chat, ChatKind, Json, Person


class Mentioned:
    """Collects people and chats while the rows that name them are written."""

    def __init__(self) -> None:
        self._aliases: dict[str, Record] = {}
        # By address and what is said of it, in the order in which it was said last: one
        # person may come up under two addresses.
        self._facts: dict[tuple[str, str], Json] = {}
        self._chats: dict[str, Record] = {}
        # Everybody comes up many times in a batch.
        self._seen: set[Person | Chat] = set()

    def lists(self) -> dict[str, list[Record]]:
        return {
            "aliases": list(self._aliases.values()),
            "contacts": list(self._contacts()),
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
        row["name"] = row["name"] or chat.name  # it only fills what is unknown
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
        jid = str(person.jid)
        self._contact(person, jid)
        if is_old:
            self._facts.setdefault((jid, "past_name"), name)
        else:
            self._note(jid, "push_name", name)

    def profile(self, profile: Profile) -> None:
        jid = str(profile.person.jid)
        self._contact(profile.person, jid)
        said = {
            "push_name": profile.push_name,
            "saved_name": profile.saved_name,
            "business_name": profile.business_name,
            "on_whatsapp": profile.on_whatsapp,
        }
        for fact, value in said.items():
            if value is not None:
                self._note(jid, fact, value)
        if profile.spelling is not None and profile.person.lid is not None:
            self._alias(jid, str(profile.spelling), spelling=True)

    def _contact(self, person: Person, jid: str) -> None:
        if person in self._seen:
            return
        self._seen.add(person)
        self._facts.setdefault((jid, "jid"), jid)
        if person.phone is not None:
            self._note(jid, "phone_number", person.phone.phone_number)
            if person.lid is not None:
                self._alias(jid, str(person.phone))

    def _note(self, jid: str, fact: str, value: Json) -> None:
        self._facts.pop((jid, fact), None)
        self._facts[jid, fact] = value

    def _contacts(self) -> Iterator[Record]:
        """As few rows as keep the order."""
        for jid, facts in groupby(self._facts.items(), key=lambda told: told[0][0]):
            yield {"jid": jid} | {fact: value for (_, fact), value in facts}

    def _alias(self, lid: str, phone: str, *, spelling: bool = False) -> None:
        known = self._aliases.get(phone)
        if known is not None:
            spelling = spelling and "spelling" in known
            if known["lid"] == lid and spelling == ("spelling" in known):
                return
            del self._aliases[phone]  # what is new was learned last
        row: Record = {"lid": lid, "phone": phone}
        self._aliases[phone] = row | {"spelling": True} if spelling else row


def _counterpart(chat: Chat) -> Person:
    addresses = [jid for jid in (chat.jid, chat.alias) if jid is not None]
    return Person(
        lid=next((jid for jid in addresses if jid.is_lid), None),
        phone=next((jid for jid in addresses if not jid.is_lid), None),
    )
