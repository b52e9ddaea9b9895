import struct
from datetime import UTC, datetime, timedelta

from devstack.supabase.gateway.realtime.replication import (
    POSTGRES_EPOCH,
    UNCHANGED,
    Begin,
    ChangeKind,
    Relation,
    RelationColumn,
    RowChange,
    changed_relation,
    decode,
)

OID = 16400


def row(*values: str | None | object) -> bytes:
    """TupleData as the protocol lays it out."""
    body = struct.pack(">H", len(values))
    for value in values:
        if value is None:
            body += b"n"
        elif isinstance(value, str):
            body += b"t" + struct.pack(">I", len(value.encode())) + value.encode()
        else:
            body += b"u"
    return body


def test_begin_says_when_and_by_which_transaction() -> None:
    at = datetime(2026, 11, 22, 2, 0, 52, 355_717, tzinfo=UTC)
    microseconds = (at - POSTGRES_EPOCH) // timedelta(microseconds=1)

    begin = decode(b"B" + struct.pack(">qqI", 1, microseconds, 741))

    assert begin == Begin(at, 741)


def test_a_relation_names_its_columns_and_its_identity() -> None:
    columns = b"\x01id\0" + struct.pack(">Ii", 20, -1)
    columns += b"\x00body\0" + struct.pack(">Ii", 25, -1)
    message = b"R" + struct.pack(">I", OID) + b"public\0notes\0d\x00\x02" + columns

    assert decode(message) == Relation(
        OID,
        "public",
        "notes",
        (
            RelationColumn("id", 20, is_identity=True),
            RelationColumn("body", 25, is_identity=False),
        ),
    )


def test_an_insert_has_a_new_row() -> None:
    message = b"I" + struct.pack(">I", OID) + b"N" + row("1", "olá ☀", None, "")

    assert decode(message) == RowChange(
        kind=ChangeKind.INSERT, relation_oid=OID, new=("1", "olá ☀", None, "")
    )


def test_an_update_may_have_no_old_row() -> None:
    message = b"U" + struct.pack(">I", OID) + b"N" + row("1", UNCHANGED)

    assert decode(message) == RowChange(
        kind=ChangeKind.UPDATE, relation_oid=OID, new=("1", UNCHANGED)
    )


def test_an_update_of_a_key_has_the_old_key() -> None:
    message = b"U" + struct.pack(">I", OID)
    message += b"K" + row("1", None) + b"N" + row("2", "x")

    assert decode(message) == RowChange(
        kind=ChangeKind.UPDATE, relation_oid=OID, new=("2", "x"), old=("1", None)
    )


def test_a_delete_under_full_identity_has_the_whole_old_row() -> None:
    message = b"D" + struct.pack(">I", OID) + b"O" + row("1", "x")

    assert decode(message) == RowChange(
        kind=ChangeKind.DELETE, relation_oid=OID, old=("1", "x"), old_is_whole=True
    )


def test_what_changes_no_row_is_passed_over() -> None:
    for message in (
        b"C" + bytes(25),
        b"Y" + bytes(9),
        b"T" + bytes(9),
        b"O" + bytes(9),
    ):
        assert decode(message) is None


def test_a_change_names_its_table_before_its_row_is_read() -> None:
    unread = b"D" + struct.pack(">I", OID) + b"not a row at all"

    assert changed_relation(unread) == OID
    assert changed_relation(b"C" + bytes(25)) is None
