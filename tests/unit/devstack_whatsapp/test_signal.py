from __future__ import annotations

import copy
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.whatsapp.wire.curve import KeyPair
from devstack.whatsapp.wire.errors import DecodeError, DecryptError, RepeatedCounter
from devstack.whatsapp.wire.ratchet import MOST_RECEIVING_CHAINS, MOST_SKIPPED_KEYS
from devstack.whatsapp.wire.signal import Identity

GROUP = "1@g.us"


def acquainted() -> tuple[Identity, Identity]:
    """Ana has Bob's prekeys and Bob has answered her first message."""
    ana, bob = Identity(), Identity()
    ana.start_session("bob", bob.bundle())
    bob.decrypt("ana", *ana.encrypt("bob", b"first"))
    ana.decrypt("bob", *bob.encrypt("ana", b"answer"))
    return ana, bob


def test_every_message_carries_the_prekeys_until_the_peer_has_answered() -> None:
    ana, bob = Identity(), Identity()
    ana.start_session("bob", bob.bundle())

    first, second = ana.encrypt("bob", b"one"), ana.encrypt("bob", b"two")
    assert (first[0], second[0]) == ("pkmsg", "pkmsg")
    assert bob.decrypt("ana", *second) == b"two"
    assert bob.decrypt("ana", *first) == b"one"

    answer = bob.encrypt("ana", b"hello")
    assert answer[0] == "msg"
    assert ana.decrypt("bob", *answer) == b"hello"
    assert ana.encrypt("bob", b"three")[0] == "msg"


def test_a_session_starts_without_a_one_time_prekey_too() -> None:
    ana, bob = Identity(), Identity()
    ana.start_session("bob", dataclasses.replace(bob.bundle(), one_time=None))

    assert bob.decrypt("ana", *ana.encrypt("bob", b"one")) == b"one"


@settings(max_examples=10)
@given(st.lists(st.booleans(), max_size=12), st.randoms(use_true_random=False))
def test_messages_are_readable_in_any_order(turns: list[bool], random: object) -> None:
    ana, bob = acquainted()
    to_ana, to_bob = [], []
    for number, ana_speaks in enumerate(turns):
        text = b"%d" % number
        if ana_speaks:
            to_bob.append((text, ana.encrypt("bob", text)))
        else:
            to_ana.append((text, bob.encrypt("ana", text)))
    for pending in (to_ana, to_bob):
        random.shuffle(pending)  # type: ignore[attr-defined]  # hypothesis hides its type

    for text, message in to_ana:
        assert ana.decrypt("bob", *message) == text
    for text, message in to_bob:
        assert bob.decrypt("ana", *message) == text


def test_a_message_is_read_once() -> None:
    ana, bob = acquainted()
    message = ana.encrypt("bob", b"once")
    bob.decrypt("ana", *message)

    with pytest.raises(DecryptError):
        bob.decrypt("ana", *message)


def test_what_an_earlier_copy_of_a_session_sends_counts_as_repeated() -> None:
    ana, bob = acquainted()
    earlier = copy.deepcopy(ana)
    bob.decrypt("ana", *ana.encrypt("bob", b"before the loss"))

    with pytest.raises(RepeatedCounter):
        bob.decrypt("ana", *earlier.encrypt("bob", b"after it"))
    earlier.forget_session("bob")
    earlier.start_session("bob", bob.bundle())

    assert bob.decrypt("ana", *earlier.encrypt("bob", b"anew")) == b"anew"


def test_a_forged_message_leaves_the_session_as_it_was() -> None:
    ana, bob = acquainted()
    kind, message = ana.encrypt("bob", b"true")
    forged = message[:-1] + bytes([message[-1] ^ 1])

    with pytest.raises(DecryptError):
        bob.decrypt("ana", kind, forged)

    assert bob.decrypt("ana", kind, message) == b"true"


def test_a_forged_first_message_does_not_spend_the_prekey() -> None:
    ana, bob = Identity(), Identity()
    ana.start_session("bob", bob.bundle())
    kind, message = ana.encrypt("bob", b"true")
    place = message.rindex(b"\x28")  # inside: the field after the message's own MAC
    forged = message[: place - 1] + bytes([message[place - 1] ^ 1]) + message[place:]

    with pytest.raises(DecryptError):
        bob.decrypt("ana", kind, forged)

    assert bob.decrypt("ana", kind, message) == b"true"


def test_a_one_time_prekey_opens_one_session() -> None:
    ana, eve, bob = Identity(), Identity(), Identity()
    bundle = bob.bundle()
    ana.start_session("bob", bundle)
    eve.start_session("bob", bundle)
    bob.decrypt("ana", *ana.encrypt("bob", b"first"))

    with pytest.raises(DecryptError):
        bob.decrypt("eve", *eve.encrypt("bob", b"too late"))


def test_a_bundle_with_a_foreign_signature_is_refused() -> None:
    forged = dataclasses.replace(Identity().bundle(), identity=KeyPair().public)

    with pytest.raises(DecryptError):
        Identity().start_session("bob", forged)


def test_after_a_reinstallation_a_new_session_replaces_the_old() -> None:
    ana, bob = acquainted()
    ana.forget_session("bob")
    assert not ana.has_session("bob")
    with pytest.raises(DecryptError):
        ana.decrypt("bob", *bob.encrypt("ana", b"lost"))

    ana.start_session("bob", bob.bundle())

    assert bob.decrypt("ana", *ana.encrypt("bob", b"again")) == b"again"
    assert ana.decrypt("bob", *bob.encrypt("ana", b"hello")) == b"hello"


def test_a_damaged_session_cannot_be_read_until_it_is_replaced() -> None:
    ana, bob = acquainted()
    ana.damage_session("bob")

    with pytest.raises(DecryptError):
        bob.decrypt("ana", *ana.encrypt("bob", b"noise"))

    ana.start_session("bob", bob.bundle())
    assert bob.decrypt("ana", *ana.encrypt("bob", b"again")) == b"again"


def test_a_message_too_far_ahead_is_refused() -> None:
    ana, bob = acquainted()
    for _ in range(MOST_SKIPPED_KEYS + 1):
        ana.encrypt("bob", b"never arrives")

    with pytest.raises(DecryptError):
        bob.decrypt("ana", *ana.encrypt("bob", b"far ahead"))


def test_what_a_session_remembers_is_bounded() -> None:
    ana, bob = acquainted()
    for _ in range(MOST_RECEIVING_CHAINS + 3):
        ana.encrypt("bob", b"never arrives")
        bob.decrypt("ana", *ana.encrypt("bob", b"ping"))
        ana.decrypt("bob", *bob.encrypt("ana", b"pong"))

    session = bob._sessions["ana"][0]
    assert len(session.receiving) == MOST_RECEIVING_CHAINS
    assert len(session.skipped) <= MOST_SKIPPED_KEYS


@pytest.mark.parametrize(
    "message", [b"", b"\x33", b"\x22" + bytes(40), b"\x33\xff" * 9]
)
def test_garbage_is_no_message(message: bytes) -> None:
    _, bob = acquainted()
    for kind in ("msg", "pkmsg"):
        with pytest.raises((DecodeError, DecryptError)):
            bob.decrypt("ana", kind, message)


def test_a_group_message_is_readable_by_whom_it_was_distributed_to() -> None:
    ana, bob, eve = Identity(), Identity(), Identity()
    bob.take_distribution(GROUP, "ana", ana.distribution_message(GROUP))

    messages = [ana.group_encrypt(GROUP, b"%d" % n) for n in range(4)]

    for n in (2, 0, 3, 1):
        assert bob.group_decrypt(GROUP, "ana", messages[n]) == b"%d" % n
    for reader in (bob, eve):
        with pytest.raises(DecryptError):
            reader.group_decrypt(GROUP, "ana", messages[0])


def test_a_repeated_distribution_does_not_lose_what_was_skipped() -> None:
    ana, bob = Identity(), Identity()
    bob.take_distribution(GROUP, "ana", ana.distribution_message(GROUP))
    late = ana.group_encrypt(GROUP, b"late")

    bob.take_distribution(GROUP, "ana", ana.distribution_message(GROUP))

    assert bob.group_decrypt(GROUP, "ana", late) == b"late"


def test_a_new_sender_key_shuts_out_who_only_has_the_old() -> None:
    ana, bob = Identity(), Identity()
    bob.take_distribution(GROUP, "ana", ana.distribution_message(GROUP))
    ana.forget_sender_key(GROUP)
    assert not ana.has_sender_key(GROUP)

    ana.distribution_message(GROUP)

    with pytest.raises(DecryptError):
        bob.group_decrypt(GROUP, "ana", ana.group_encrypt(GROUP, b"without bob"))


def test_a_forged_group_message_is_refused() -> None:
    ana, bob = Identity(), Identity()
    bob.take_distribution(GROUP, "ana", ana.distribution_message(GROUP))
    message = ana.group_encrypt(GROUP, b"true")

    with pytest.raises(DecryptError):
        bob.group_decrypt(GROUP, "ana", message[:-1] + bytes([message[-1] ^ 1]))

    assert bob.group_decrypt(GROUP, "ana", message) == b"true"
