"""Which contacts the phone's owner removed: whatsmeow keeps their names for ever.

But it drops the mark (index MAC) by which a removed contact would be recognised in the
phone's settings: HMAC-SHA256 of `["contact","<number>@s.whatsapp.net"]` under a key that
the phone shared. Who has a name and no mark was removed. Should we ever not recognise a
single mark, then WhatsApp makes them in another way, and nobody is taken for removed.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Sequence
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connector.domain.addresses import PHONE_SERVER

KEYS: Final = (
    "select key_data from whatsmeow_app_state_sync_keys order by timestamp desc limit 8"
)
MARKS: Final = (
    "select index_mac from whatsmeow_app_state_mutation_macs"
    " where name = 'critical_unblock_low'"
)
_LENGTH: Final = 160  # index, value and three more keys; the first is ours
_INDEX_KEY: Final = slice(0, 32)


def removed(
    contacts: Iterable[str], keys: Sequence[tuple[bytes]], marks: Sequence[tuple[bytes]]
) -> frozenset[str]:
    """Those of the named contacts, by address, that have no mark any more."""
    index_keys = [_index_key(key) for (key,) in keys]
    present = {bytes(mark) for (mark,) in marks}
    named = [jid for jid in contacts if jid.endswith(f"@{PHONE_SERVER}")]
    gone = frozenset(
        jid for jid in named if present.isdisjoint(_marks(jid, index_keys))
    )
    is_understood = index_keys and (len(gone) < len(named) or not present)
    return gone if is_understood else frozenset()


def _marks(jid: str, index_keys: Sequence[bytes]) -> list[bytes]:
    index = json.dumps(["contact", jid], separators=(",", ":")).encode()
    return [hmac.digest(key, index, "sha256") for key in index_keys]


def _index_key(shared: bytes) -> bytes:
    expand = HKDF(SHA256(), _LENGTH, salt=None, info=b"WhatsApp Mutation Keys")
    return expand.derive(shared)[_INDEX_KEY]
