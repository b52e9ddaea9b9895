from datetime import timedelta

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.reading.incoming import decode
from connector.adapters.whatsapp.reading.rules import ReadingRules, Rejected
from connector.domain.addresses import Jid
from connector.domain.chats import Profile
from connector.domain.incoming import Incoming
from connector.domain.messages import Message, Person, Source, Status
from tests.unit.whatsapp.neonize_events import (
    ANA_LID,
    BOB_LID,
    BOB_PHONE,
    FAMILY,
    NOW,
    history_event,
    remembered,
)

HOUR, DAY = 3_600, 86_400
ANA = Person(lid=Jid.parse(ANA_LID))
BOB = Person(lid=Jid.parse(BOB_LID), phone=Jid.parse(BOB_PHONE))
MAPPINGS = [{"lidJID": BOB_LID, "pnJID": BOB_PHONE}]


def read(raw: bytes, days: int = 14) -> list[Incoming]:
    rules = ReadingRules(history_days=days, own=ANA)
    found = decode(Code.HISTORY_SYNC, raw, NOW, rules)
    return [item for item in found if not isinstance(item, Rejected)]


def messages(raw: bytes, days: int = 14) -> list[Message]:
    return [item for item in read(raw, days) if isinstance(item, Message)]


def test_history_has_both_sides_of_a_conversation() -> None:
    raw = history_event(
        conversations=[
            {
                "ID": BOB_LID,
                "pnJID": BOB_PHONE,
                "name": "Bob da Silva",
                "messages": [
                    remembered("mine", HOUR, fromMe=True),
                    remembered("his", 2 * HOUR),
                ],
            }
        ]
    )

    mine, his = messages(raw)

    assert (mine.from_me, mine.sender, mine.status) == (True, ANA, Status.READ)
    assert (his.from_me, his.sender, his.status) == (False, BOB, Status.DELIVERED)
    assert mine.chat == his.chat
    assert (his.chat.jid, his.chat.alias) == (BOB.lid, BOB.phone)
    assert his.chat.name == "Bob da Silva"
    assert his.sent_at == NOW - timedelta(hours=2)
    assert his.source is Source.HISTORY


def test_in_groups_each_message_has_its_sender() -> None:
    raw = history_event(
        conversations=[
            {
                "ID": FAMILY,
                "messages": [remembered("oi", HOUR, participant=BOB_LID)],
            }
        ],
        phoneNumberToLidMappings=MAPPINGS,
    )

    (message,) = messages(raw)

    assert message.sender == BOB


def test_newest_chats_come_first_and_old_messages_not_at_all() -> None:
    raw = history_event(
        conversations=[
            {
                "ID": BOB_LID,
                "messages": [remembered("b2", 5 * HOUR), remembered("b1", 9 * HOUR)],
            },
            {
                "ID": FAMILY,
                "messages": [
                    remembered("f0", 30 * DAY, participant=BOB_LID),
                    remembered("f1", 8 * HOUR, participant=BOB_LID),
                    remembered("f2", HOUR, participant=BOB_LID),
                ],
            },
        ]
    )

    assert [message.body for message in messages(raw)] == ["f2", "f1", "b2", "b1"]
    assert len(messages(raw, days=60)) == 5


def test_push_names_become_profiles() -> None:
    raw = history_event(
        pushnames=[
            {"ID": BOB_PHONE, "pushname": "Bob"},
            {"ID": ANA_LID, "pushname": "-"},
            {"ID": "nonsense", "pushname": "X"},
        ],
        phoneNumberToLidMappings=MAPPINGS,
    )

    assert Profile(person=BOB, push_name="Bob") in read(raw)
    assert sum(isinstance(item, Profile) for item in read(raw)) == 1


def test_one_senseless_message_does_not_cost_the_others() -> None:
    raw = history_event(
        conversations=[
            {"ID": "nonsense", "messages": [remembered("lost", HOUR)]},
            {"ID": "status@broadcast", "messages": [remembered("post", HOUR)]},
            {
                "ID": BOB_LID,
                "messages": [remembered("no id", HOUR, ID=""), remembered("ok", HOUR)],
            },
        ]
    )

    assert [message.body for message in messages(raw)] == ["ok"]
