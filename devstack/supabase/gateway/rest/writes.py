"""INSERT, UPDATE and DELETE, each as the first part of one statement.

The body arrives as parameter $1 and is taken apart by Postgres: a bigint in it is
never a Python or JavaScript number.
"""

# ruff: noqa: S608 - SQL is the product here; sql.py quotes every name and value.
from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.rest import relationships
from devstack.supabase.gateway.rest.body import Layout
from devstack.supabase.gateway.rest.preferences import Preferences
from devstack.supabase.gateway.rest.query import Level, Query
from devstack.supabase.gateway.rest.schema_cache import SchemaCache, Table
from devstack.supabase.gateway.rest.select import Column, Embed
from devstack.supabase.gateway.rest.sql import Scope, identifier, literal, qualified

# Counts rows inserted but not updated by an upsert: plus one for each row offered,
# minus one for each that met a duplicate. A transaction-local setting, as PostgREST's.
INSERTED = "nullif(current_setting('pgrst.inserted', true), '')::int"
OFFERED = (
    f"set_config('pgrst.inserted', (coalesce({INSERTED}, 0) + 1)::text, true) <> '0'"
)
DUPLICATE = (
    f"set_config('pgrst.inserted', (coalesce({INSERTED}, 0) - 1)::text, true) <> '-1'"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Write:
    """`sql` returns the rows written; `takes_body` when it uses $1."""

    sql: str
    takes_body: bool


def insert(
    cache: SchemaCache,
    table: Table,
    query: Query,
    layout: Layout,
    preferences: Preferences,
) -> Write:
    """Raises Refusal PGRST204 for an unknown column."""
    names = _known(table, layout.keys)
    returning = _returning(cache, table, query, preferences)
    target = f"insert into {qualified(table.name)} as {identifier(table.name[1])}"
    if not names and not layout.many:
        return Write(f"{target} default values {returning}", takes_body=False)
    listed = ", ".join(names)
    columns = f" ({listed})" if names else ""  # none: every column takes its default
    rows = _rows(table, layout, preferences)
    conflict, offered = _on_conflict(table, query, names, preferences)
    sql = f"{target}{columns} select {listed} from {rows}{offered}{conflict}"
    return Write(f"{sql} {returning}", takes_body=True)


def update(
    cache: SchemaCache,
    table: Table,
    query: Query,
    layout: Layout,
    preferences: Preferences,
) -> Write:
    """Raises Refusal PGRST204, or 21000 when nothing limits which rows."""
    names = _known(table, layout.keys)
    where = _where(table, query, "UPDATE")
    returning = _returning(cache, table, query, preferences)
    alias = identifier(table.name[1])
    if not names:  # nothing to set is nothing to do, and no row is answered
        nothing = f"select * from {qualified(table.name)} as {alias} where false"
        return Write(nothing, takes_body=False)
    changes = ", ".join(f"{name} = pgrst_body.{name}" for name in names)
    rows = f"(select * from {_rows(table, layout, preferences)} limit 1) as pgrst_body"
    sql = f"update {qualified(table.name)} as {alias} set {changes} from {rows}"
    return Write(f"{sql} {where} {returning}", takes_body=True)


def delete(
    cache: SchemaCache, table: Table, query: Query, preferences: Preferences
) -> Write:
    """Raises Refusal 21000 when nothing limits which rows."""
    where = _where(table, query, "DELETE")
    returning = _returning(cache, table, query, preferences)
    alias = identifier(table.name[1])
    sql = f"delete from {qualified(table.name)} as {alias} {where} {returning}"
    return Write(sql, takes_body=False)


def _known(table: Table, keys: Iterable[str]) -> list[str]:
    for key in keys:
        if key not in table.columns:
            raise refusals.postgrest(
                "PGRST204",
                f"Could not find the '{key}' column of '{table.name[1]}' "
                "in the schema cache",
            )
    return [identifier(key) for key in keys]


def _rows(table: Table, layout: Layout, preferences: Preferences) -> str:
    """The body as rows with the types of the table's columns."""
    if not layout.keys:
        return "json_array_elements($1::json) as pgrst_body"
    typed = ", ".join(
        f"{identifier(key)} {table.columns[key].type}" for key in layout.keys
    )
    if preferences.missing_default:
        return f"jsonb_to_recordset({_defaulted(table, layout)}) as pgrst_body({typed})"
    function = "json_to_recordset" if layout.many else "json_to_record"
    return f"{function}($1::json) as pgrst_body({typed})"


def _defaulted(table: Table, layout: Layout) -> str:
    """The body as an array whose objects have the column's default for a missing key."""
    pairs = ", ".join(
        f"{literal(key)}, {default}"
        for key in layout.keys
        if (default := table.columns[key].default) is not None
    )
    array = "$1::jsonb" if layout.many else "jsonb_build_array($1::jsonb)"
    return (
        f"(select jsonb_agg(jsonb_build_object({pairs}) || element) "
        f"from jsonb_array_elements({array}) as element)"
    )


def _on_conflict(
    table: Table, query: Query, names: list[str], preferences: Preferences
) -> tuple[str, str]:
    """The ON CONFLICT clause, and the condition that counts the rows offered."""
    target = [identifier(name) for name in query.on_conflict or table.primary_key]
    if preferences.resolution is None or not target:
        return "", ""
    clause = f" on conflict ({', '.join(target)}) do "
    if preferences.resolution == "ignore-duplicates":
        return f"{clause}nothing", ""
    if not names:
        return f"{clause}nothing", f" where {OFFERED}"
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    return f"{clause}update set {changes} where {DUPLICATE}", f" where {OFFERED}"


def _where(table: Table, query: Query, verb: str) -> str:
    level = query.levels.get((), Level())
    if not level.filters:
        # As the hosted platform, which loads pg-safeupdate for API roles.
        raise refusals.postgrest("21000", f"{verb} requires a WHERE clause")
    if level.limit is not None or level.offset:
        raise refusals.postgrest(
            "PGRST127",
            "Feature not implemented",
            "limit and offset of a write are not served by the local gateway.",
        )
    scope = Scope(identifier(table.name[1]), table.columns)
    return "where " + " and ".join(scope.filters(level.filters))


def _returning(
    cache: SchemaCache, table: Table, query: Query, preferences: Preferences
) -> str:
    """Only the columns the answer needs: reading others could need more rights."""
    match preferences.returning:
        case "representation":
            names = _needed(cache, table, query)
        case "headers-only":
            names = list(table.primary_key)
        case _:
            names = []
    alias = identifier(table.name[1])
    listed = ", ".join(
        f"{alias}.*" if name == "*" else f"{alias}.{identifier(name)}"
        for name in dict.fromkeys(names)
    )
    return f"returning {listed or '1'}"


def _needed(cache: SchemaCache, table: Table, query: Query) -> list[str]:
    names: list[str] = []
    for item in query.items:
        match item:
            case Column(field):
                names.append(field.name)
            case Embed():
                names += _joining(cache, table, item)
    order = query.levels.get((), Level()).order
    names += [term.field.name for term in order if not term.relation]
    return ["*"] if "*" in names else names


def _joining(cache: SchemaCache, table: Table, embed: Embed) -> list[str]:
    found = relationships.find(cache, table.name, embed)
    if found.junction:
        return list(found.junction.to_source.target_columns)
    return [ours for ours, _ in found.pairs]
