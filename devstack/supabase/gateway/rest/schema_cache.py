"""What the catalogue says of the exposed schemas, read once and kept, as PostgREST does.

A notification `notify pgrst, 'reload schema'` empties the cache, as on a hosted
project; so does a request that misses something, which is then tried once more.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

Name = tuple[str, str]  # schema, relation or function

EXPOSED_SCHEMAS = ("public", "graphql_public")


@dataclasses.dataclass(frozen=True, slots=True)
class ColumnType:
    """`type` is SQL with its length; `default` an SQL expression, None if there is none."""

    type: str
    default: str | None

    @property
    def is_json(self) -> bool:
        return self.type in ("json", "jsonb")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Table:
    name: Name
    columns: dict[str, ColumnType]
    primary_key: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class ForeignKey:
    """`unique` when at most one row refers to each target: then it is one to one."""

    constraint: str
    table: Name
    columns: tuple[str, ...]
    target: Name
    target_columns: tuple[str, ...]
    unique: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """Unnamed when `name` is empty."""

    name: str
    type: str
    required: bool
    variadic: bool


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Function:
    """`returns`: "void", "scalar" or "composite"; `table` when rows are of one."""

    name: Name
    parameters: tuple[Parameter, ...]
    returns: str
    is_set: bool
    is_volatile: bool
    table: Name | None


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class SchemaCache:
    """One reading of the catalogue; identity, not content, tells two of them apart."""

    tables: dict[Name, Table]
    foreign_keys: tuple[ForeignKey, ...]
    functions: dict[Name, tuple[Function, ...]]

    def functions_in(self, schema: str) -> Iterator[str]:
        return (name for in_schema, name in self.functions if in_schema == schema)

    def tables_in(self, schema: str) -> Iterator[str]:
        return (name for in_schema, name in self.tables if in_schema == schema)


# One statement that answers one JSON document; its shape is written there.
CATALOGUE = (
    resources.files("devstack.supabase.gateway.rest")
    .joinpath("catalogue.sql")
    .read_text("utf-8")
)


def read_catalogue(text: str) -> SchemaCache:
    """The cache from the answer to CATALOGUE."""
    found = json.loads(text)
    functions: dict[Name, tuple[Function, ...]] = {}
    for row in found["functions"]:
        function = _function(row)
        functions[function.name] = (*functions.get(function.name, ()), function)
    tables = [_table(row) for row in found["tables"]]
    return SchemaCache(
        tables={table.name: table for table in tables},
        foreign_keys=tuple(_foreign_key(row) for row in found["foreign_keys"]),
        functions=functions,
    )


def _table(row: dict[str, Any]) -> Table:
    return Table(
        name=(row["schema"], row["name"]),
        columns={
            column["name"]: ColumnType(column["type"], column["default"])
            for column in row["columns"]
        },
        primary_key=tuple(row["primary_key"]),
    )


def _foreign_key(row: dict[str, Any]) -> ForeignKey:
    return ForeignKey(
        constraint=row["constraint"],
        table=(row["schema"], row["table"]),
        columns=tuple(row["columns"]),
        target=(row["target_schema"], row["target"]),
        target_columns=tuple(row["target_columns"]),
        unique=row["unique"],
    )


def _function(row: dict[str, Any]) -> Function:
    table = row["returns_table"]
    return Function(
        name=(row["schema"], row["name"]),
        parameters=tuple(Parameter(**parameter) for parameter in row["parameters"]),
        returns=row["returns"],
        is_set=row["is_set"],
        is_volatile=row["is_volatile"],
        table=(table["schema"], table["name"]) if table else None,
    )
