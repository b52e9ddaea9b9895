"""Which foreign key an embed means, among several between the same tables."""

from __future__ import annotations

import pytest

from devstack.supabase.gateway.refusals import Refusal
from devstack.supabase.gateway.rest.relationships import Relationship, find
from devstack.supabase.gateway.rest.schema_cache import (
    ColumnType,
    ForeignKey,
    SchemaCache,
    Table,
)
from devstack.supabase.gateway.rest.select import Embed, parse_select

BIGINT = ColumnType("bigint", None)


def table(name: str, *columns: str, key: tuple[str, ...] = ("id",)) -> Table:
    return Table(("public", name), dict.fromkeys(columns, BIGINT), key)


def reference(
    source: str, column: str, target: str, *, unique: bool = False
) -> ForeignKey:
    return ForeignKey(
        f"{source}_{column}_fkey",
        ("public", source),
        (column,),
        ("public", target),
        ("id",),
        unique,
    )


CACHE = SchemaCache(
    tables={
        one.name: one
        for one in (
            table("messages", "id", "chat_id", "sender_id", "forwarder_id"),
            table("chats", "id"),
            table("people", "id", "manager_id"),
            table("profiles", "id", "person_id"),
            table("members", "chat_id", "person_id", key=("chat_id", "person_id")),
        )
    },
    foreign_keys=(
        reference("messages", "chat_id", "chats"),
        reference("messages", "sender_id", "people"),
        reference("messages", "forwarder_id", "people"),
        reference("people", "manager_id", "people"),
        reference("profiles", "person_id", "people", unique=True),
        reference("members", "chat_id", "chats"),
        reference("members", "person_id", "people"),
    ),
    functions={},
)


def found(source: str, select: str) -> Relationship:
    (embed,) = parse_select(select)
    assert isinstance(embed, Embed)
    return find(CACHE, ("public", source), embed)


@pytest.mark.parametrize(
    ("source", "select", "cardinality", "target"),
    [
        ("messages", "chats(id)", "many-to-one", "chats"),
        ("messages", "chat_id(id)", "many-to-one", "chats"),
        ("messages", "messages_chat_id_fkey(id)", "many-to-one", "chats"),
        ("messages", "people!sender_id(id)", "many-to-one", "people"),
        ("messages", "people!messages_sender_id_fkey(id)", "many-to-one", "people"),
        ("chats", "messages(id)", "one-to-many", "messages"),
        ("chats", "messages!chat_id(id)", "one-to-many", "messages"),
        ("chats", "people(id)", "many-to-many", "people"),
        ("chats", "people!members(id)", "many-to-many", "people"),
        ("people", "profiles(id)", "one-to-one", "profiles"),
        ("profiles", "people(id)", "one-to-one", "people"),
        ("people", "people(id)", "one-to-many", "people"),
        ("people", "people!manager_id(id)", "one-to-many", "people"),
        ("people", "manager_id(id)", "many-to-one", "people"),
    ],
)
def test_an_embed_names_a_table_a_column_or_a_constraint(
    source: str, select: str, cardinality: str, target: str
) -> None:
    relationship = found(source, select)
    assert relationship.cardinality == cardinality
    assert relationship.target == ("public", target)


def test_two_keys_to_the_same_table_need_a_hint() -> None:
    with pytest.raises(Refusal) as refused:
        found("messages", "people(id)")
    assert refused.value.status == 300
    assert refused.value.body["code"] == "PGRST201"
    assert refused.value.body["hint"].startswith(
        "Try changing 'people' to one of the following: "
        "'people!messages_sender_id_fkey', 'people!messages_forwarder_id_fkey'."
    )


@pytest.mark.parametrize(
    ("source", "select"),
    [("chats", "profiles(id)"), ("messages", "people!chat_id(id)"), ("x", "chats(id)")],
)
def test_tables_without_a_key_between_them_cannot_be_embedded(
    source: str, select: str
) -> None:
    with pytest.raises(Refusal) as refused:
        found(source, select)
    assert (refused.value.status, refused.value.body["code"]) == (400, "PGRST200")
