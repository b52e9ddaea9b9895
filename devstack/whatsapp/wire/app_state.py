"""App state: settings and saved contacts that a phone shares with its companions.

Five collections, each a set of encrypted records with a version. A change is a patch; a
companion that has nothing fetches a snapshot. A hash over the records lets everyone check
that they hold the same set. This is phone and server in one: it knows the key.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from google.protobuf.message import DecodeError as ProtobufError

from devstack.whatsapp.wire.binary import Attributes, Node
from devstack.whatsapp.wire.errors import DecodeError, DecryptError
from devstack.whatsapp.wire.media import encrypt_media
from devstack.whatsapp.wire.mutations import (
    EMPTY_HASH,
    MAC_LENGTH,
    REMOVE,
    SET,
    Mutation,
    MutationKey,
    lthash,
)
from devstack.whatsapp.wire.protobufs import E2E, ServerSync, SyncAction

COLLECTIONS: Final = (
    "critical_block",
    "critical_unblock_low",
    "regular_high",
    "regular",
    "regular_low",
)
CONFLICT = 409


class Answer(NamedTuple):
    """The <collection> to send back, and what the companion changed."""

    node: Node
    accepted: list[Mutation]


@dataclass(frozen=True, slots=True)
class Change:
    """What the phone sets or removes; `version` is the action's schema's."""

    index: list[str]
    value: SyncAction.SyncActionValue
    version: int = 2
    removed: bool = False


@dataclass(slots=True)
class _Collection:
    version: int = 0
    hashed: bytes = EMPTY_HASH
    records: dict[bytes, ServerSync.SyncdRecord] = field(default_factory=dict)
    patches: dict[int, bytes] = field(default_factory=dict)  # by version, serialized

    def apply(self, mutation: ServerSync.SyncdMutation) -> None:
        index = mutation.record.index.blob
        old = self.records.pop(index, None)
        if old is not None:
            self.hashed = lthash(self.hashed, without=_value_mac(old))
        if mutation.operation == SET:
            self.hashed = lthash(self.hashed, plus=_value_mac(mutation.record))
            self.records[index] = mutation.record


class AppState:
    """All collections of one account."""

    def __init__(self) -> None:
        self.key = MutationKey()
        self._collections = {name: _Collection() for name in COLLECTIONS}

    def version(self, name: str) -> int:
        return self._collections[name].version

    def set(
        self,
        name: str,
        index: list[str],
        value: SyncAction.SyncActionValue,
        version: int = 2,
    ) -> int:
        """Change one thing from the phone; the answer is the collection's version."""
        return self.change(name, [Change(index, value, version)])

    def change(self, name: str, changes: Sequence[Change]) -> int:
        """Change several things at once: one patch, one new version."""
        collection = self._collections[name]
        mutations = [self._mutation(change) for change in changes]
        for mutation in mutations:
            collection.apply(mutation)
        collection.version += 1
        patch = ServerSync.SyncdPatch(
            mutations=mutations,
            version=ServerSync.SyncdVersion(version=collection.version),
            snapshotMAC=self._snapshot_mac(name),
            keyID=ServerSync.KeyId(ID=self.key.key_id),
        )
        macs = [_value_mac(mutation.record) for mutation in mutations]
        patch.patchMAC = self.key.patch_mac(
            name, collection.version, patch.snapshotMAC, macs
        )
        collection.patches[collection.version] = patch.SerializeToString()
        return collection.version

    def _mutation(self, change: Change) -> ServerSync.SyncdMutation:
        operation = REMOVE if change.removed else SET
        record = self.key.seal(change.index, change.value, change.version, operation)
        return ServerSync.SyncdMutation(operation=operation, record=record)

    def key_share(self, at: int) -> E2E.AppStateSyncKeyShare:
        """What the phone sends a new companion; `at` in Unix seconds."""
        key = E2E.AppStateSyncKey(
            keyID=E2E.AppStateSyncKeyId(keyID=self.key.key_id),
            keyData=E2E.AppStateSyncKeyData(
                keyData=self.key.secret,
                timestamp=at,
                fingerprint=E2E.AppStateSyncKeyFingerprint(
                    rawID=secrets.randbelow(2**31), currentIndex=0
                ),
            ),
        )
        return E2E.AppStateSyncKeyShare(keys=[key])

    def answer(self, request: Node, store: Callable[[bytes], str]) -> Answer:
        """Serve one <collection> of a w:sync:app:state query.

        `store` puts an encrypted blob on the media host and returns its direct path.
        Raises DecodeError, DecryptError when an uploaded patch is wrong.
        """
        name = request.attr("name")
        if name not in self._collections:
            raise DecodeError("there is no such app state collection")
        collection = self._collections[name]
        known = int(request.attr("version", "0"))
        if request.child("patch") is not None:
            if known != collection.version:
                return Answer(_conflict(name, collection.version), [])
            accepted = self.accept_patch(name, request.data("patch"))
            done = Node("collection", {"name": name, "version": self.version(name)})
            return Answer(done, accepted)
        if request.attr("return_snapshot") == "true":
            children = self._snapshot(name, store)
        else:
            children = self._patches_since(name, known)
        attrs: Attributes = {
            "name": name,
            "version": collection.version,
            "has_more_patches": "false",
        }
        return Answer(Node("collection", attrs, children or None), [])

    def accept_patch(self, name: str, serialized: bytes) -> list[Mutation]:
        """Apply what a companion uploaded; all of it or, when it is wrong, nothing."""
        try:
            patch = ServerSync.SyncdPatch.FromString(serialized)
        except ProtobufError as error:
            raise DecodeError("the upload is no SyncdPatch") from error
        accepted = [self.key.open(mutation) for mutation in patch.mutations]
        current = self._collections[name]
        version = current.version + 1
        changed = _Collection(
            version, current.hashed, dict(current.records), current.patches
        )
        for mutation in patch.mutations:
            changed.apply(mutation)
        if patch.snapshotMAC != self.key.snapshot_mac(name, version, changed.hashed):
            raise DecryptError("the companion's app state is not ours")
        patch.version.version = version
        changed.patches[version] = patch.SerializeToString()
        self._collections[name] = changed
        return accepted

    def _snapshot(self, name: str, store: Callable[[bytes], str]) -> list[Node]:
        collection = self._collections[name]
        if not collection.version:
            return []
        snapshot = ServerSync.SyncdSnapshot(
            version=ServerSync.SyncdVersion(version=collection.version),
            records=list(collection.records.values()),
            mac=self._snapshot_mac(name),
            keyID=ServerSync.KeyId(ID=self.key.key_id),
        )
        media = encrypt_media(snapshot.SerializeToString(), "app_state")
        reference = ServerSync.ExternalBlobReference(
            mediaKey=media.media_key,
            directPath=store(media.blob),
            fileSizeBytes=media.file_length,
            fileSHA256=media.file_sha256,
            fileEncSHA256=media.file_enc_sha256,
        )
        return [Node("snapshot", {}, reference.SerializeToString())]

    def _patches_since(self, name: str, known: int) -> list[Node]:
        patches = self._collections[name].patches
        newer = [patch for version, patch in sorted(patches.items()) if version > known]
        if not newer:
            return []
        return [Node("patches", {}, [Node("patch", {}, patch) for patch in newer])]

    def _snapshot_mac(self, name: str) -> bytes:
        collection = self._collections[name]
        return self.key.snapshot_mac(name, collection.version, collection.hashed)


def _value_mac(record: ServerSync.SyncdRecord) -> bytes:
    return record.value.blob[-MAC_LENGTH:]


def _conflict(name: str, version: int) -> Node:
    error = Node("error", {"code": CONFLICT, "text": "conflict"})
    return Node(
        "collection", {"name": name, "type": "error", "version": version}, [error]
    )
