"""Our domain's words to the JSON our RPCs take, and back; pure.

The shape of `p_batch` is documented on `wa_store_batch` in the migrations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from connector.domain.chats import Profile
from connector.domain.incoming import Incoming
from connector.domain.messages import Chat, ChatKind, Json, Message, Person, Receipt
from connector.domain.outgoing import OutboxResult
from connector.errors import SupabaseRefused
from connector.ports import (
    ClaimedRow,
    DesiredState,
    SessionId,
    SessionRow,
    UnsettledRow,
)

Record: TypeAlias = dict[str, Json]
Batch: TypeAlias = dict[str, list[Record]]


class _Row(BaseModel):
    # A newer schema may return more columns than this connector knows.
    model_config = ConfigDict(extra="ignore", frozen=True)

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Raises SupabaseRefused for what our RPCs never return; it is not quoted."""
        try:
            return cls.model_validate(row)
        except ValidationError:
            raise SupabaseRefused(
                "Supabase answered what no RPC of ours returns: check SUPABASE_URL."
            ) from None


class LeaseRow(_Row):
    """A row of `wa_claim_sessions` and `wa_renew_leases`."""

    session_id: str
    term: int
    desired_state: Literal["connected", "disconnected", "logged_out"]
    desired_revision: int
    pairing_phone: str | None
    history_days: int
    ignore_status: bool

    def session(self) -> SessionRow:
        return SessionRow(
            session_id=SessionId(self.session_id),
            desired_state=DesiredState(self.desired_state),
            desired_revision=self.desired_revision,
            pairing_phone=self.pairing_phone,
            history_days=self.history_days,
            ignore_status=self.ignore_status,
        )


class OutboxRow(_Row):
    """A row of `wa_exchange_outbox`."""

    id: str
    to: str
    chat_jid: str | None
    kind: str
    payload: Any
    attempts: int
    claims: int

    def claimed(self) -> ClaimedRow:
        return ClaimedRow(
            id=self.id,
            to=self.to,
            chat_jid=self.chat_jid,
            kind=self.kind,
            payload=self.payload,
            attempts=self.attempts,
            claim=self.claims,
        )


class UnsettledOutboxRow(_Row):
    """A row of `wa_unsettled_outbox`."""

    id: str
    claims: int
    claim_lineage: str
    claim_term: int

    def unsettled(self) -> UnsettledRow:
        return UnsettledRow(
            id=self.id,
            claim=self.claims,
            lineage=self.claim_lineage,
            term=self.claim_term,
        )


def batch(incoming: Sequence[Incoming]) -> Batch:
    """`p_batch` for `wa_store_batch`; each list without repetitions, last one wins."""
    messages = [item for item in incoming if isinstance(item, Message)]
    receipts = [item for item in incoming if isinstance(item, Receipt)]
    people = list(_people(incoming))
    return {
        "aliases": _unique(_alias(person) for person in people),
        "contacts": _contacts(people, incoming),
        "chats": _chats(
            item.chat for item in incoming if isinstance(item, Message | Receipt)
        ),
        "messages": [_message(message) for message in messages],
        "receipts": [row for receipt in receipts for row in _receipt(receipt)],
    }


def _people(incoming: Iterable[Incoming]) -> Iterable[Person]:
    for item in incoming:
        match item:
            case Message(chat=chat, from_me=True):
                yield from _counterpart(chat)
            case Message(chat=chat, sender=sender):
                yield from _counterpart(chat)
                yield sender
            case Receipt(chat=chat, participant=participant):
                yield from _counterpart(chat)
                yield participant
            case Profile(person=person):
                yield person
            case _:
                pass


def _counterpart(chat: Chat) -> Iterable[Person]:
    if chat.kind is ChatKind.DIRECT:
        addresses = [jid for jid in (chat.jid, chat.alias) if jid is not None]
        yield Person(
            lid=next((jid for jid in addresses if jid.is_lid), None),
            phone=next((jid for jid in addresses if not jid.is_lid), None),
        )


def _alias(person: Person) -> Record | None:
    if person.lid is None or person.phone is None:
        return None
    return {"lid": str(person.lid), "phone": str(person.phone)}


def _contacts(people: Iterable[Person], incoming: Iterable[Incoming]) -> list[Record]:
    rows: dict[str, Record] = {}
    for person in people:
        row = rows.setdefault(str(person.jid), {"jid": str(person.jid)})
        if person.phone is not None:
            row["phone_number"] = person.phone.phone_number
    for item in incoming:
        match item:
            case Message(from_me=False, sender=person, sender_name=str(name)):
                rows[str(person.jid)]["push_name"] = name
            case Profile(person=person, push_name=str(name)):
                rows[str(person.jid)]["push_name"] = name
            case _:
                pass
    return list(rows.values())


def _chats(chats: Iterable[Chat]) -> list[Record]:
    rows: dict[str, Record] = {}
    for chat in chats:
        jid = str(chat.jid)
        known = rows.setdefault(
            jid, {"jid": jid, "kind": chat.kind.value, "name": None}
        )
        known["name"] = chat.name or known["name"]  # live messages bring no name
    return list(rows.values())


def _message(message: Message) -> Record:
    return {
        "whatsapp_id": message.whatsapp_id,
        "chat_jid": str(message.chat.jid),
        "from_me": message.from_me,
        "sender_jid": str(message.sender.jid),
        "sender_name": message.sender_name,
        "kind": message.kind,
        "body": message.body,
        "content": message.content,
        "quoted_whatsapp_id": message.quoted_whatsapp_id,
        "mentions": [str(jid) for jid in message.mentions],
        "sent_at": _timestamp(message.sent_at),
        "status": message.status.value,
        "source": message.source.value,
    }


def _receipt(receipt: Receipt) -> Iterable[Record]:
    for whatsapp_id in receipt.whatsapp_ids:
        yield {
            "chat_jid": str(receipt.chat.jid),
            "whatsapp_id": whatsapp_id,
            "participant_jid": str(receipt.participant.jid),
            "status": receipt.status.value,
            "at": _timestamp(receipt.at),
        }


def result(outcome: OutboxResult) -> Record:
    """One element of `p_results` for `wa_exchange_outbox`."""
    return {
        "id": outcome.id,
        "outcome": outcome.outcome.value,
        "whatsapp_id": outcome.whatsapp_id,
        "sent_at": None if outcome.sent_at is None else _timestamp(outcome.sent_at),
        "code": outcome.code,
        "message": outcome.message,
        "retry_after_seconds": (
            None if outcome.retry_after is None else outcome.retry_after.total_seconds()
        ),
    }


def _timestamp(moment: datetime) -> str:
    return moment.isoformat()


def _unique(rows: Iterable[Record | None]) -> list[Record]:
    seen = {tuple(row.items()): row for row in rows if row is not None}
    return list(seen.values())
