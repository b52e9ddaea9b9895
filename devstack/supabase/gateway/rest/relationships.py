"""Which foreign keys join two tables, and which of them an embed means."""

from __future__ import annotations

import dataclasses

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.rest.schema_cache import (
    ForeignKey,
    Name,
    SchemaCache,
)
from devstack.supabase.gateway.rest.select import Embed


@dataclasses.dataclass(frozen=True, slots=True)
class Junction:
    """The table between a many-to-many pair and its keys to either side."""

    table: Name
    to_source: ForeignKey
    to_target: ForeignKey


@dataclasses.dataclass(frozen=True, slots=True)
class Relationship:
    """`pairs` are (source column, target column); empty when a junction joins them."""

    cardinality: str  # "many-to-one", "one-to-many", "one-to-one", "many-to-many"
    source: Name
    target: Name
    constraint: str
    pairs: tuple[tuple[str, str], ...] = ()
    junction: Junction | None = None

    @property
    def to_one(self) -> bool:
        return self.cardinality in ("many-to-one", "one-to-one")


def find(cache: SchemaCache, source: Name, embed: Embed) -> Relationship:
    """The one relationship meant; raises Refusal PGRST200 or PGRST201."""
    found = [
        relationship
        for relationship in relationships(cache, source)
        if _is_meant(relationship, embed)
    ]
    match found:
        case [only]:
            return only
        case []:
            raise _no_relationship(source, embed)
        case _:
            raise _ambiguous(source, embed, found)


def relationships(cache: SchemaCache, source: Name) -> list[Relationship]:
    found = []
    for key in cache.foreign_keys:
        if key.table == source:
            found.append(_forward(key))
        if key.target == source:
            found += [_backward(key), *_through(cache, key)]
    return [one for one in found if one.target[0] == source[0]]


def _forward(key: ForeignKey) -> Relationship:
    return Relationship(
        "one-to-one" if key.unique else "many-to-one",
        key.table,
        key.target,
        key.constraint,
        tuple(zip(key.columns, key.target_columns, strict=True)),
    )


def _backward(key: ForeignKey) -> Relationship:
    return Relationship(
        "one-to-one" if key.unique else "one-to-many",
        key.target,
        key.table,
        key.constraint,
        tuple(zip(key.target_columns, key.columns, strict=True)),
    )


def _through(cache: SchemaCache, near: ForeignKey) -> list[Relationship]:
    """Many-to-many: the junction's primary key holds both of its foreign keys."""
    junction = cache.tables.get(near.table)
    if junction is None:
        return []
    return [
        Relationship(
            "many-to-many",
            near.target,
            far.target,
            near.table[1],
            junction=Junction(near.table, near, far),
        )
        for far in cache.foreign_keys
        if far.table == near.table
        and far.constraint != near.constraint
        and {*near.columns, *far.columns} <= {*junction.primary_key}
    ]


def _is_meant(relationship: Relationship, embed: Embed) -> bool:
    columns = relationship.pairs[0] if len(relationship.pairs) == 1 else ("", "")
    if relationship.source == relationship.target:
        return _is_meant_of_itself(relationship, embed, columns)
    if embed.hint is None:
        names = {relationship.target[1], columns[0]}
        if relationship.junction is None:
            names.add(relationship.constraint)
        return embed.target in names
    # For a many-to-many relationship `constraint` is the name of the junction.
    return embed.target == relationship.target[1] and embed.hint in {
        relationship.constraint,
        *columns,
    }


def _is_meant_of_itself(
    relationship: Relationship, embed: Embed, columns: tuple[str, str]
) -> bool:
    """A table that refers to itself: its name means the children, the column the parent."""
    children = (
        embed.target == relationship.target[1]
        and relationship.cardinality == "one-to-many"
    )
    if embed.hint is not None:
        return children and embed.hint == columns[1]
    parent = embed.target == columns[0] and relationship.cardinality == "many-to-one"
    return children or parent


def _no_relationship(source: Name, embed: Embed) -> refusals.Refusal:
    hinted = f"' using the hint '{embed.hint}" if embed.hint else ""
    return refusals.postgrest(
        "PGRST200",
        f"Could not find a relationship between '{source[1]}' and '{embed.target}' "
        "in the schema cache",
        f"Searched for a foreign key relationship between '{source[1]}' and "
        f"'{embed.target}{hinted}' in the schema '{source[0]}', "
        "but no matches were found.",
    )


def _ambiguous(
    source: Name, embed: Embed, found: list[Relationship]
) -> refusals.Refusal:
    choices = ", ".join(f"'{one.target[1]}!{one.constraint}'" for one in found)
    return refusals.Refusal(
        300,
        {
            "code": "PGRST201",
            "details": [_described(one) for one in found],
            "hint": f"Try changing '{embed.target}' to one of the following: "
            f"{choices}. Find the desired relationship in the 'details' key.",
            "message": "Could not embed because more than one relationship was found "
            f"for '{source[1]}' and '{embed.target}'",
        },
    )


def _described(relationship: Relationship) -> dict[str, str]:
    source, target = relationship.source[1], relationship.target[1]
    if between := relationship.junction:
        near, far = between.to_source, between.to_target
        description = (
            f"{between.table[1]} using {near.constraint}({', '.join(near.columns)}) "
            f"and {far.constraint}({', '.join(far.columns)})"
        )
    else:
        ours = ", ".join(ours for ours, _ in relationship.pairs)
        theirs = ", ".join(theirs for _, theirs in relationship.pairs)
        description = (
            f"{relationship.constraint} using {source}({ours}) and {target}({theirs})"
        )
    return {
        "cardinality": relationship.cardinality,
        "embedding": f"{source} with {target}",
        "relationship": description,
    }
