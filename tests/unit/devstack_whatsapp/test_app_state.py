from __future__ import annotations

import hmac
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.whatsapp.wire.app_state import COLLECTIONS, AppState
from devstack.whatsapp.wire.binary import Node
from devstack.whatsapp.wire.errors import DecodeError, DecryptError
from devstack.whatsapp.wire.media import decrypt_media
from devstack.whatsapp.wire.mutations import EMPTY_HASH, REMOVE, SET, lthash
from devstack.whatsapp.wire.protobufs import ServerSync, SyncAction

CONTACTS = "critical_unblock_low"
INDEX = ["contact", "5521987654321@s.whatsapp.net"]

macs = st.binary(min_size=32, max_size=32)


def contact(name: str) -> SyncAction.SyncActionValue:
    return SyncAction.SyncActionValue(
        contactAction=SyncAction.ContactAction(fullName=name)
    )


class MediaHost:
    def __init__(self) -> None:
        self.blob = b""

    def store(self, blob: bytes) -> str:
        self.blob = blob
        return "/path?x"


@given(st.lists(macs, max_size=4), st.randoms(use_true_random=False))
def test_the_hash_of_a_set_does_not_depend_on_order(
    joined: list[bytes], random: object
) -> None:
    forward = EMPTY_HASH
    for mac in joined:
        forward = lthash(forward, plus=mac)
    random.shuffle(joined)  # type: ignore[attr-defined]  # hypothesis hides its type
    for mac in joined:
        forward = lthash(forward, without=mac)

    assert forward == EMPTY_HASH


def test_an_empty_collection_has_version_zero_and_no_content() -> None:
    for name in COLLECTIONS:
        request = Node("collection", {"name": name, "return_snapshot": "true"})
        node, accepted = AppState().answer(request, MediaHost().store)
        assert (node.attr("version"), node.children, accepted) == ("0", [], [])


def test_a_new_companion_gets_a_snapshot_of_what_holds_now() -> None:
    state, host = AppState(), MediaHost()
    state.set(CONTACTS, INDEX, contact("Bob"))
    state.set(CONTACTS, INDEX, contact("Bob Saved"))

    request = Node("collection", {"name": CONTACTS, "return_snapshot": "true"})
    node, _ = state.answer(request, host.store)

    reference = ServerSync.ExternalBlobReference.FromString(node.data("snapshot"))
    blob = decrypt_media(host.blob, reference.mediaKey, "app_state")
    snapshot = ServerSync.SyncdSnapshot.FromString(blob)
    [record] = snapshot.records
    mutation = ServerSync.SyncdMutation(operation=SET, record=record)
    assert snapshot.version.version == state.version(CONTACTS) == 2
    opened = state.key.open(mutation)
    assert (opened.index, opened.removed) == (INDEX, False)
    assert opened.value.contactAction.fullName == "Bob Saved"
    hashed = lthash(EMPTY_HASH, plus=record.value.blob[-32:])
    assert snapshot.mac == state.key.snapshot_mac(CONTACTS, 2, hashed)


def test_a_companion_gets_only_the_patches_it_lacks() -> None:
    state = AppState()
    for name in ("one", "two", "three"):
        state.set(CONTACTS, INDEX, contact(name))

    request = Node("collection", {"name": CONTACTS, "version": "1"})
    node, _ = state.answer(request, MediaHost().store)

    serialized = [patch.data() for patch in node.children[0].all("patch")]
    patches = [ServerSync.SyncdPatch.FromString(patch) for patch in serialized]
    assert [patch.version.version for patch in patches] == [2, 3]


def test_a_value_authenticates_its_operation_and_its_key() -> None:
    state = AppState()
    record = state.key.seal(INDEX, contact("Bob"), 2)
    content, mac = record.value.blob[:-32], record.value.blob[-32:]
    associated = b"\x01" + state.key.key_id
    message = associated + content + struct.pack(">Q", 7)

    assert mac == hmac.digest(state.key._value_mac, message, "sha512")[:32]
    with pytest.raises(DecryptError):
        state.key.open(ServerSync.SyncdMutation(operation=REMOVE, record=record))


def test_what_a_companion_uploads_becomes_the_next_version() -> None:
    state = AppState()
    patch = upload(state, "Bob by companion")

    request = Node("collection", {"name": CONTACTS, "version": "0"}, [patch])
    node, [accepted] = state.answer(request, MediaHost().store)

    assert node.attr("version") == "1"
    assert accepted.value.contactAction.fullName == "Bob by companion"


def test_an_upload_onto_an_old_version_is_a_conflict() -> None:
    state = AppState()
    patch = upload(state, "Bob by companion")
    state.set(CONTACTS, INDEX, contact("Bob by phone"))

    request = Node("collection", {"name": CONTACTS, "version": "0"}, [patch])
    node, accepted = state.answer(request, MediaHost().store)

    error = node.child("error")
    assert error is not None
    assert (error.attr("code"), accepted) == ("409", [])


def test_a_wrong_upload_changes_nothing() -> None:
    state = AppState()
    patch = ServerSync.SyncdPatch.FromString(upload(state, "Bob").data())
    patch.snapshotMAC = bytes(32)

    for wrong, error in (
        (patch.SerializeToString(), DecryptError),
        (b"\xff", DecodeError),
    ):
        with pytest.raises(error):
            state.accept_patch(CONTACTS, wrong)

    assert state.version(CONTACTS) == 0


def test_an_unknown_collection_is_refused() -> None:
    with pytest.raises(DecodeError):
        AppState().answer(Node("collection", {"name": "x"}), MediaHost().store)


def test_the_shared_key_is_the_one_in_use() -> None:
    state = AppState()
    [key] = state.key_share(at=1_700_000_000).keys

    assert (key.keyID.keyID, key.keyData.keyData) == (
        state.key.key_id,
        state.key.secret,
    )


def upload(state: AppState, name: str) -> Node:
    """What a companion that has nothing yet would upload."""
    record = state.key.seal(INDEX, contact(name), 2)
    hashed = lthash(EMPTY_HASH, plus=record.value.blob[-32:])
    patch = ServerSync.SyncdPatch(
        mutations=[ServerSync.SyncdMutation(operation=SET, record=record)],
        snapshotMAC=state.key.snapshot_mac(CONTACTS, 1, hashed),
    )
    return Node("patch", {}, patch.SerializeToString())
