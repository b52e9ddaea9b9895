from datetime import datetime, timedelta

import pytest

from connector.adapters.whatsapp.bounds import FIRST_MOMENT
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import e2e, events
from connector.adapters.whatsapp.reading.incoming import decode
from connector.adapters.whatsapp.reading.rules import Poison, ReadingRules, Rejected
from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from connector.domain.messages import (
    Chat,
    ChatKind,
    Message,
    Person,
    Source,
    Status,
)
from tests.unit.whatsapp import neonize_events as neonize
from tests.unit.whatsapp.neonize_events import (
    ANA_LID,
    ANA_PHONE,
    BOB_LID,
    BOB_PHONE,
    FAMILY,
    NOW,
    source,
)

BOB = Person(lid=Jid.parse(BOB_LID), phone=Jid.parse(BOB_PHONE))
KEYS = e2e.SenderKeyDistributionMessage(groupID=FAMILY)
PICTURE = e2e.ImageMessage(caption="look")
BOBS_CHAT = Chat(jid=Jid.parse(BOB_LID), kind=ChatKind.DIRECT, alias=BOB.phone)


def read(code: Code, raw: bytes, rules: ReadingRules | None = None) -> list[Incoming]:
    found = list(decode(code, raw, NOW, rules or ReadingRules()))
    return [item for item in found if not isinstance(item, Rejected)]


def only_message(raw: bytes, rules: ReadingRules | None = None) -> Message:
    (found,) = read(Code.MESSAGE, raw, rules)
    assert isinstance(found, Message)
    return found


@pytest.mark.parametrize(
    ("first", "other"), [(BOB_LID, BOB_PHONE), (BOB_PHONE, BOB_LID)]
)
def test_a_text_is_the_same_person_by_lid_and_by_phone(first: str, other: str) -> None:
    raw = neonize.message("oi", source(f"{first}", SenderAlt=other))

    assert only_message(raw) == Message(
        whatsapp_id="3EB0C0FFEE",
        chat=BOBS_CHAT,
        from_me=False,
        sender=BOB,
        sender_name="Bob",
        kind="text",
        body="oi",
        sent_at=NOW,
        source=Source.LIVE,
        status=Status.DELIVERED,
    )


def test_what_the_owner_types_on_the_phone_is_from_me_in_the_others_chat() -> None:
    where = source(
        BOB_LID,
        ANA_LID,
        from_me=True,
        SenderAlt=ANA_PHONE,
        RecipientAlt=BOB_PHONE,
    )

    found = only_message(neonize.message("typed", where))

    assert (found.from_me, found.source, found.status) == (
        True,
        Source.PHONE,
        Status.SENT,
    )
    assert found.chat == BOBS_CHAT
    assert found.sender.jid == Jid.parse(ANA_LID)


def test_a_group_message_has_its_real_sender() -> None:
    where = source(FAMILY, "222000222000222:7@lid", SenderAlt=BOB_PHONE)

    found = only_message(neonize.message("oi", where))

    assert found.chat == Chat(jid=Jid.parse(FAMILY), kind=ChatKind.GROUP)
    assert found.sender == BOB


def test_a_broadcast_arrives_as_a_direct_message_of_its_sender() -> None:
    where = source("1700000000@broadcast", BOB_LID, SenderAlt=BOB_PHONE)

    assert only_message(neonize.message("to all", where)).chat == BOBS_CHAT


def test_our_broadcast_is_in_the_chat_of_each_who_gets_it() -> None:
    where = source("1700000000@broadcast", ANA_LID, from_me=True)
    for lid, phone in ((BOB_LID, BOB_PHONE), ("", "5531900000000@s.whatsapp.net")):
        where.BroadcastRecipients.add(LID=neonize.jid(lid), PN=neonize.jid(phone))

    found = read(Code.MESSAGE, neonize.message("to all", where))

    chats = [item.chat for item in found if isinstance(item, Message)]
    assert chats[0] == BOBS_CHAT
    assert [str(chat.jid) for chat in chats[1:]] == ["5531900000000@s.whatsapp.net"]


def test_what_we_read_of_a_broadcast_list_is_no_chat() -> None:
    where = source("1700000000@broadcast", ANA_LID, from_me=True)

    assert (
        read(Code.RECEIPT, neonize.receipt(events.Receipt.READ, "A", where=where)) == []
    )


def test_status_posts_are_kept_only_when_wanted() -> None:
    raw = neonize.message("my day", source("status@broadcast", BOB_LID))

    assert read(Code.MESSAGE, raw) == []
    wanted = only_message(raw, ReadingRules(ignore_status=False))
    assert wanted.chat == Chat(jid=Jid("status", "broadcast"), kind=ChatKind.STATUS)
    assert wanted.sender.jid == Jid.parse(BOB_LID)


def test_newsletters_are_kept_only_when_wanted() -> None:
    letter = "120363000000000009@newsletter"
    raw = neonize.message("news", source(letter))

    assert read(Code.MESSAGE, raw) == []
    wanted = only_message(raw, ReadingRules(ignore_newsletters=False))
    assert wanted.chat == Chat(jid=Jid.parse(letter), kind=ChatKind.NEWSLETTER)
    assert wanted.sender.jid == Jid.parse(letter)


@pytest.mark.parametrize(
    "raw",
    [
        neonize.message("keys", category="peer"),
        neonize.message(e2e.Message(protocolMessage=e2e.ProtocolMessage())),
        neonize.message(e2e.Message(senderKeyDistributionMessage=KEYS)),
        neonize.message(e2e.Message()),
    ],
    ids=["peer", "protocol", "sender keys alone", "empty"],
)
def test_what_is_not_for_people_is_left_out(raw: bytes) -> None:
    assert read(Code.MESSAGE, raw) == []


def _future(inner: e2e.Message) -> e2e.FutureProofMessage:
    return e2e.FutureProofMessage(message=inner)


def _wrapped(inner: e2e.Message) -> list[e2e.Message]:
    return [
        e2e.Message(ephemeralMessage=_future(inner)),
        e2e.Message(deviceSentMessage=e2e.DeviceSentMessage(message=inner)),
        e2e.Message(
            deviceSentMessage=e2e.DeviceSentMessage(
                message=e2e.Message(ephemeralMessage=_future(inner))
            )
        ),
    ]


@pytest.mark.parametrize("wrapped", _wrapped(e2e.Message(conversation="inside")))
def test_wrappers_are_looked_through(wrapped: e2e.Message) -> None:
    assert only_message(neonize.message(wrapped)).body == "inside"


def test_a_reply_names_what_it_quotes_and_whom_it_mentions() -> None:
    said = e2e.Message(
        extendedTextMessage=e2e.ExtendedTextMessage(
            text="@Bob sim",
            contextInfo=e2e.ContextInfo(stanzaID="3EBQUOTED", mentionedJID=[BOB_LID]),
        )
    )

    found = only_message(neonize.message(said))

    assert (found.kind, found.body) == ("text", "@Bob sim")
    assert found.quoted_whatsapp_id == "3EBQUOTED"
    assert [str(jid) for jid in found.mentions] == [BOB_LID]


@pytest.mark.parametrize(
    "raw",
    [
        neonize.message(
            e2e.Message(viewOnceMessageV2=_future(e2e.Message(imageMessage=PICTURE)))
        ),
        neonize.message(e2e.Message(imageMessage=PICTURE), view_once=True),
        neonize.message(e2e.Message(imageMessage=e2e.ImageMessage(viewOnce=True))),
    ],
)
def test_view_once_becomes_a_placeholder_without_its_content(raw: bytes) -> None:
    found = only_message(raw)

    assert (found.kind, found.body) == ("view_once", None)
    assert found.content == {"of": "image"}


def test_an_undecryptable_message_leaves_a_placeholder_unless_it_is_hidden() -> None:
    code = Code.UNDECRYPTABLE_MESSAGE
    (found,) = read(code, neonize.undecryptable())

    assert isinstance(found, Message)
    assert (found.kind, found.body, found.content) == ("undecryptable", None, {})
    assert read(code, neonize.undecryptable(hidden=True)) == []


def test_a_long_text_is_cut_and_says_so() -> None:
    found = only_message(neonize.message("ã" * 70_000))

    assert found.body == "ã" * 65_536
    assert found.content == {"truncated": True}


def test_nothing_that_postgres_refuses_gets_through() -> None:
    said = e2e.Message.FromString(b"\x0a\x05a\x00b\xff\xfe")  # NUL, invalid UTF-8

    assert only_message(neonize.message(said, name="B\0b")).body == "ab\ufffd\ufffd"
    assert only_message(neonize.message("x", name="B\0b")).sender_name == "Bb"


@pytest.mark.parametrize(
    ("timestamp", "sent_at"),
    [
        (-5, NOW),
        (0, NOW),
        (1, FIRST_MOMENT),
        (2**63 - 1, NOW + timedelta(days=1)),
        (neonize.NOW_MS - 1_500, NOW - timedelta(seconds=1.5)),
    ],
)
def test_an_absurd_time_becomes_the_nearest_sensible_one(
    timestamp: int, sent_at: datetime
) -> None:
    assert only_message(neonize.message("x", timestamp=timestamp)).sent_at == sent_at


@pytest.mark.parametrize(
    ("code", "raw"),
    [
        (Code.CONNECTED, b""),
        (Code.MESSAGE, b"\xff\xff"),
        (Code.MESSAGE, neonize.message("x", id="")),
        (Code.MESSAGE, neonize.message("x", source("no spaces allowed@lid"))),
        (Code.RECEIPT, neonize.receipt(events.Receipt.READ, "\0")),
    ],
)
def test_what_makes_no_sense_is_poison(code: Code, raw: bytes) -> None:
    with pytest.raises(Poison):
        read(code, raw)
