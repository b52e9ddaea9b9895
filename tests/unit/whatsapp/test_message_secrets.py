"""Votes and what else is sealed open with the secret of the message they are about."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import e2e
from connector.domain.addresses import Jid
from connector.domain.changes import Edit, Reaction, Vote
from connector.domain.messages import Message
from tests.unit.whatsapp import neonize_events as neonize
from tests.unit.whatsapp.neonize_events import (
    ANA_LID,
    ANA_PHONE,
    BOB_LID,
    BOB_PHONE,
    FAMILY,
    NOW,
    NOW_MS,
)
from tests.unit.whatsapp.reading_events import (
    ANA,
    BOB,
    FAMILY_CHAT,
    IN_FAMILY,
    everything,
    key,
    meant,
    only,
    rules,
)

SECRET, NONCE = b"s" * 32, b"n" * 12
POLL = "3EB0POLL"
MONDAY = hashlib.sha256(b"Monday").digest()


def sealed(
    plain: bytes, purpose: str, author: str = ANA_LID, sender: str = BOB_LID
) -> dict[str, Any]:
    """As whatsmeow's msgsecret.go does it."""
    info = f"{POLL}{author}{sender}{purpose}".encode()
    derived = HKDF(SHA256(), 32, salt=None, info=info).derive(SECRET)
    bound = f"{POLL}\0{sender}".encode() if purpose == "Poll Vote" else None
    return {
        "encIV": NONCE,
        "encPayload": AESGCM(derived).encrypt(NONCE, plain, bound),
    }


def secret_of(chat: Jid, sender: Jid, whatsapp_id: str) -> bytes | None:
    known = (chat, whatsapp_id) == (FAMILY_CHAT.jid, POLL)
    return SECRET if known and sender in {ANA.lid, ANA.phone} else None


READING = rules(secret_of=secret_of)


def in_family(message: e2e.Message, **given: Any) -> list[Any]:
    return meant(message, IN_FAMILY, reading=READING, **given)


def vote(author: str, voter: str, told: str | None = None) -> e2e.Message:
    chosen = e2e.PollVoteMessage(selectedOptions=[MONDAY, b"no hash", MONDAY])
    return e2e.Message(
        pollUpdateMessage=e2e.PollUpdateMessage(
            pollCreationMessageKey=key(
                POLL, fromMe=False, participant=told or author, remoteJID=FAMILY
            ),
            vote=e2e.PollEncValue(
                **sealed(chosen.SerializeToString(), "Poll Vote", author, voter)
            ),
            senderTimestampMS=NOW_MS,
        )
    )


@pytest.mark.parametrize("told", [ANA_LID, ANA_PHONE])
@pytest.mark.parametrize("author", [ANA_LID, ANA_PHONE])
@pytest.mark.parametrize("voter", [BOB_LID, BOB_PHONE])
def test_a_vote_opens_whichever_addresses_sealed_it(
    told: str, author: str, voter: str
) -> None:
    assert in_family(vote(author, voter, told)) == [
        Vote(
            chat=FAMILY_CHAT,
            whatsapp_id=POLL,
            voter=BOB,
            from_me=False,
            options=(MONDAY,),
            voted_at=NOW,
        )
    ]


@pytest.mark.parametrize(
    "author", ["333000333000333@lid", "nonsense", ""], ids=["other", "none", "empty"]
)
def test_a_vote_that_does_not_open_is_still_a_vote(author: str) -> None:
    found = only(Vote, in_family(vote(ANA_LID, BOB_LID, author or " ")))

    assert found.options is None


def test_somebody_elses_vote_does_not_pass_for_bobs() -> None:
    found = only(Vote, in_family(vote(ANA_LID, "333000333000333@lid")))

    assert found.options is None


def test_a_vote_waits_while_the_store_cannot_be_read() -> None:
    def busy(_chat: Jid, _sender: Jid, _whatsapp_id: str) -> bytes | None:
        raise sqlite3.OperationalError("database is locked")

    message = vote(ANA_LID, BOB_LID)
    reading = rules(secret_of=busy)
    remembered = neonize.remembered(message, 60, participant=BOB_LID)
    history = neonize.history_event(
        conversations=[{"ID": FAMILY, "messages": [remembered]}]
    )

    with pytest.raises(sqlite3.OperationalError):
        meant(message, IN_FAMILY, reading=reading)
    with pytest.raises(sqlite3.OperationalError):
        everything(Code.HISTORY_SYNC, history, reading)


def test_a_vote_can_be_taken_back() -> None:
    none = e2e.PollVoteMessage()
    update = e2e.PollUpdateMessage(
        pollCreationMessageKey=key(POLL, participant=ANA_LID),
        vote=e2e.PollEncValue(**sealed(none.SerializeToString(), "Poll Vote")),
    )

    found = only(Vote, in_family(e2e.Message(pollUpdateMessage=update)))

    assert found.options == ()


def test_a_sealed_reaction_is_a_reaction() -> None:
    plain = e2e.ReactionMessage(text="\U0001f44d", senderTimestampMS=NOW_MS)
    reaction = e2e.EncReactionMessage(
        targetMessageKey=key(POLL, participant=ANA_LID),
        **sealed(plain.SerializeToString(), "Enc Reaction"),
    )

    found = only(Reaction, in_family(e2e.Message(encReactionMessage=reaction)))

    assert (found.whatsapp_id, found.emoji) == (POLL, "\U0001f44d")


def test_a_sealed_comment_is_a_reply() -> None:
    plain = e2e.Message(conversation="well said")
    comment = e2e.EncCommentMessage(
        targetMessageKey=key(POLL, participant=ANA_LID),
        **sealed(plain.SerializeToString(), "Enc Comment"),
    )

    found = only(Message, in_family(e2e.Message(encCommentMessage=comment)))

    assert (found.body, found.quoted_whatsapp_id) == ("well said", POLL)


@pytest.mark.parametrize("nested", [False, True])
def test_a_sealed_edit_is_an_edit(*, nested: bool) -> None:
    new = e2e.Message(conversation="better")
    if nested:
        change = e2e.ProtocolMessage(
            type=e2e.ProtocolMessage.MESSAGE_EDIT, editedMessage=new
        )
        new = e2e.Message(protocolMessage=change)
    edit = e2e.SecretEncryptedMessage(
        targetMessageKey=key(POLL, participant=ANA_LID),
        secretEncType=e2e.SecretEncryptedMessage.MESSAGE_EDIT,
        **sealed(new.SerializeToString(), "Message Edit"),
    )

    found = only(Edit, in_family(e2e.Message(secretEncryptedMessage=edit)))

    assert (found.whatsapp_id, found.body, found.sender) == (POLL, "better", BOB)


def test_what_does_not_open_is_no_edit() -> None:
    edit = e2e.SecretEncryptedMessage(
        targetMessageKey=key(POLL, participant=ANA_LID),
        secretEncType=e2e.SecretEncryptedMessage.MESSAGE_EDIT,
        encIV=b"short",
        encPayload=b"x",
    )

    assert in_family(e2e.Message(secretEncryptedMessage=edit)) == []
