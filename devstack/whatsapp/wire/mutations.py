"""One change of app state: its encryption, its MACs, and the hash over a whole set."""

from __future__ import annotations

import hmac
import json
import os
import struct
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError as ProtobufError

from devstack.whatsapp.wire.ciphers import (
    NO_SALT,
    aes_cbc_decrypt,
    aes_cbc_encrypt,
    hkdf,
    hmac_sha256,
    same,
)
from devstack.whatsapp.wire.errors import DecodeError, DecryptError
from devstack.whatsapp.wire.protobufs import ServerSync, SyncAction

MAC_LENGTH = 32
IV_LENGTH = 16
EMPTY_HASH = bytes(128)
SET = ServerSync.SyncdMutation.SET
REMOVE = ServerSync.SyncdMutation.REMOVE

_LANES = struct.Struct("<64H")


@dataclass(frozen=True, slots=True)
class Mutation:
    """`index` names the thing, such as ["contact", "5521...@s.whatsapp.net"]."""

    index: list[str]
    value: SyncAction.SyncActionValue
    removed: bool


def lthash(
    base: bytes, *, without: bytes | None = None, plus: bytes | None = None
) -> bytes:
    """The hash of a set after a record (given by its value MAC) left or joined it.

    64 numbers of 16 bits, so adding and subtracting commute: order never matters.
    """
    lanes = list(_LANES.unpack(base))
    for mac, sign in ((without, -1), (plus, 1)):
        if mac is not None:
            summand = hkdf(mac, NO_SALT, b"WhatsApp Patch Integrity", _LANES.size)
            lanes = [
                (lane + sign * other) & 0xFFFF
                for lane, other in zip(lanes, _LANES.unpack(summand), strict=True)
            ]
    return _LANES.pack(*lanes)


@dataclass(slots=True)
class MutationKey:
    """The key a phone shares with its companions, and the five keys made of it."""

    key_id: bytes = field(default_factory=lambda: os.urandom(6))
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    _index: bytes = field(init=False, repr=False)
    _value: bytes = field(init=False, repr=False)
    _value_mac: bytes = field(init=False, repr=False)
    _snapshot_mac: bytes = field(init=False, repr=False)
    _patch_mac: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        keys = hkdf(self.secret, NO_SALT, b"WhatsApp Mutation Keys", 160)
        self._index, self._value, self._value_mac = keys[:32], keys[32:64], keys[64:96]
        self._snapshot_mac, self._patch_mac = keys[96:128], keys[128:]

    def seal(
        self,
        index: list[str],
        value: SyncAction.SyncActionValue,
        version: int,
        operation: ServerSync.SyncdMutation.SyncdOperation.ValueType = SET,
    ) -> ServerSync.SyncdRecord:
        """A record that sets `index` to `value`; `version` is the action's schema's."""
        name = json.dumps(index, separators=(",", ":"), ensure_ascii=False).encode()
        plain = SyncAction.SyncActionData(
            index=name, value=value, padding=b"", version=version
        ).SerializeToString()
        iv = os.urandom(IV_LENGTH)
        content = iv + aes_cbc_encrypt(self._value, iv, plain)
        return ServerSync.SyncdRecord(
            index=ServerSync.SyncdIndex(blob=hmac_sha256(self._index, name)),
            value=ServerSync.SyncdValue(
                blob=content + self._mac_of(content, operation)
            ),
            keyID=ServerSync.KeyId(ID=self.key_id),
        )

    def open(self, mutation: ServerSync.SyncdMutation) -> Mutation:
        """Raises DecodeError, DecryptError."""
        blob = mutation.record.value.blob
        content, mac = blob[:-MAC_LENGTH], blob[-MAC_LENGTH:]
        if not same(mac, self._mac_of(content, mutation.operation)):
            raise DecryptError("an app state value does not authenticate")
        plain = aes_cbc_decrypt(self._value, content[:IV_LENGTH], content[IV_LENGTH:])
        try:
            data = SyncAction.SyncActionData.FromString(plain)
            index = json.loads(data.index)
        except (ProtobufError, ValueError) as error:
            raise DecodeError("an app state value is no SyncActionData") from error
        return Mutation(index, data.value, mutation.operation == REMOVE)

    def snapshot_mac(self, collection: str, version: int, hashed: bytes) -> bytes:
        message = hashed + struct.pack(">Q", version) + collection.encode()
        return hmac_sha256(self._snapshot_mac, message)

    def patch_mac(
        self,
        collection: str,
        version: int,
        snapshot_mac: bytes,
        value_macs: list[bytes],
    ) -> bytes:
        message = snapshot_mac + b"".join(value_macs)
        message += struct.pack(">Q", version) + collection.encode()
        return hmac_sha256(self._patch_mac, message)

    def _mac_of(self, content: bytes, operation: int) -> bytes:
        associated = bytes([operation + 1]) + self.key_id
        message = associated + content + struct.pack(">Q", len(associated))
        return hmac.digest(self._value_mac, message, "sha512")[:MAC_LENGTH]
