from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import SealBroken
from connector.sealing import OVERHEAD, Sealer, key_id, named_key

OLD_KEY, NEW_KEY = bytes(range(32)), bytes(range(32, 64))
SEALER = Sealer([NEW_KEY])


@given(plain=st.binary(max_size=200), context=st.binary(max_size=20))
def test_what_was_sealed_opens_in_the_same_context(
    plain: bytes, context: bytes
) -> None:
    sealed = SEALER.seal(plain, context)

    assert SEALER.open(sealed, context) == plain
    assert len(sealed) == len(plain) + OVERHEAD


def test_sealing_twice_gives_two_different_values() -> None:
    assert SEALER.seal(b"page", b"here") != SEALER.seal(b"page", b"here")


def test_a_value_does_not_open_in_another_context() -> None:
    sealed = SEALER.seal(b"page", b"session 1")

    with pytest.raises(SealBroken, match="another place"):
        SEALER.open(sealed, b"session 2")


@given(position=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_no_changed_byte_goes_unnoticed(position: int, flip: int) -> None:
    sealed = bytearray(SEALER.seal(b"some page", b"here"))
    sealed[position % len(sealed)] ^= flip

    with pytest.raises(SealBroken):
        SEALER.open(bytes(sealed), b"here")


@given(kept=st.integers(min_value=0, max_value=OVERHEAD + 8))
def test_a_truncated_value_is_refused(kept: int) -> None:
    sealed = SEALER.seal(b"some page", b"here")

    with pytest.raises(SealBroken):
        SEALER.open(sealed[:kept], b"here")


def test_a_wrong_key_is_named_by_its_id_only() -> None:
    sealed = Sealer([OLD_KEY]).seal(b"page", b"here")

    with pytest.raises(SealBroken, match=key_id(OLD_KEY).hex()) as caught:
        SEALER.open(sealed, b"here")
    assert OLD_KEY.hex() not in str(caught.value)


def test_rotation_opens_old_values_and_seals_with_the_first_key() -> None:
    rotated = Sealer([NEW_KEY, OLD_KEY])
    old = Sealer([OLD_KEY]).seal(b"page", b"here")

    assert rotated.open(old, b"here") == b"page"
    assert rotated.knows(old)
    assert not SEALER.knows(old)
    assert SEALER.open(rotated.seal(b"page", b"here"), b"here") == b"page"


def test_an_outbox_row_has_one_lasting_secret_per_key() -> None:
    rotated = Sealer([NEW_KEY, OLD_KEY])

    assert rotated.secrets("row") == [
        SEALER.secrets("row")[0],
        Sealer([OLD_KEY]).secrets("row")[0],
    ]
    assert len(set(rotated.secrets("row") + rotated.secrets("other"))) == 4
    assert all(len(secret) == 32 for secret in rotated.secrets("row"))


@pytest.mark.parametrize("keys", [[], [b"short"], [NEW_KEY, b"short"]])
def test_only_whole_keys_are_taken(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(keys)


def test_a_new_seal_names_the_new_key_and_holds_the_same() -> None:
    both = Sealer([NEW_KEY, OLD_KEY])
    old = Sealer([OLD_KEY]).seal(b"page", b"here")

    new = both.reseal(old, b"here")

    assert named_key(new) == key_id(NEW_KEY).hex() == both.key_ids[0]
    assert SEALER.open(new, b"here") == b"page"
    with pytest.raises(SealBroken):
        both.reseal(old, b"elsewhere")
