"""Which captured rows may a caller see? One query answers for a whole batch.

As on the real server a row is visible when the caller's role and claims find it by its
primary key now, at delivery; a row deleted meanwhile is not delivered. DELETE cannot
be checked so: everyone subscribed learns the primary key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from devstack.supabase.gateway.database import Database
from devstack.supabase.gateway.identity import Identity
from devstack.supabase.gateway.realtime.replication import UNCHANGED, Row
from devstack.supabase.gateway.realtime.subscriptions import (
    MOST_VALUES,
    ChangeRequest,
    Filter,
    InvalidSubscription,
)
from devstack.supabase.gateway.realtime.tables import Table, quote_name, unnest
from devstack.supabase.gateway.refusals import Refusal

PUBLISHED = """
select format('%I.%I', schemaname, tablename)::regclass::oid as oid
from pg_publication_tables
where pubname = 'supabase_realtime'
and $1 in ('*', schemaname::text) and $2 in ('*', tablename::text)
"""
FILTER_COLUMN = """
select format_type(atttypid, -1) from pg_attribute
where attrelid = $1 and attname = $2 and attnum > 0 and not attisdropped
and has_column_privilege($3::name, attrelid, attnum, 'select')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May `identity` see these rows of a table, and which filters do they pass?

    Without an identity only the filters are asked. A row is a tuple of text values as
    logged; for a DELETE, the old ones.
    """

    table: Table
    identity: Identity | None
    rows: Sequence[Row]
    filters: Sequence[tuple[Filter, ...]]

    async def ask(self, database: Database) -> list[set[int]]:
        """For each entry of `filters`, the places of the rows that may be delivered.

        Raises Refusal, for example when a policy fails.
        """
        if self.identity is None and not any(self.filters):
            everything = set(range(len(self.rows)))
            return [everything for _ in self.filters]
        arguments = [
            [value if isinstance(value, str) else None for value in column]
            for column in self._arguments()
        ]
        if self.identity is None:
            async with database.as_admin() as connection:
                found = await connection.fetch(self._statement(), *arguments)
        else:
            async with database.acting_as(self.identity, readonly=True) as connection:
                found = await connection.fetch(self._statement(), *arguments)
        return self._passed(found)

    def _passed(self, found: Sequence[asyncpg.Record]) -> list[set[int]]:
        return [
            {row["ord"] - 1 for row in found if row[f"f{place}"]}.difference(
                *(self._unknown(filter_.column) for filter_ in filters)
            )
            for place, filters in enumerate(self.filters)
        ]

    def _unknown(self, name: str) -> set[int]:
        """Rows whose value of the column is not in the log: no filter can pass them."""
        place = self.table.place_of(name)
        return {
            at
            for at, row in enumerate(self.rows)
            if place is None or row[place] is UNCHANGED
        }

    def _used(self) -> list[int]:
        names = {filter_.column for filters in self.filters for filter_ in filters}
        named = (self.table.place_of(name) for name in sorted(names))
        used = [place for place in named if place is not None]
        if self.identity is not None:
            used += [place for place in self.table.keys if place not in used]
        return used

    def _arguments(self) -> list[list[object]]:
        return [[row[place] for row in self.rows] for place in self._used()]

    def _statement(self) -> str:
        used = self._used()
        columns = [self.table.columns[place] for place in used]
        at = {column.name: f"k.c{place}" for place, column in enumerate(columns)}
        types = {column.name: column.sql_type for column in columns}
        tests = ", ".join(
            f"{_conjunction(filters, at, types)} as f{place}"
            for place, filters in enumerate(self.filters)
        )
        statement = f"select k.ord, {tests} from {unnest(columns)}"  # noqa: S608 - names and literals are quoted
        if self.identity is None:
            return statement
        found = " and ".join(
            f"t.{quote_name(column.name)} = {at[column.name]}::{column.sql_type}"
            for column in columns
            if column.is_key
        )
        row = f"select from {self.table.quoted_name} as t where {found}"
        return f"{statement} where exists ({row})"


def _conjunction(
    filters: Sequence[Filter], at: dict[str, str], types: dict[str, str]
) -> str:
    tests = [
        filter_.condition(at[filter_.column], types[filter_.column])
        for filter_ in filters
        if filter_.column in at
    ]
    return " and ".join(tests) or "true"


async def check_request(
    database: Database, request: ChangeRequest, identity: Identity
) -> None:
    """Raises InvalidSubscription when no published table can ever answer it."""
    async with database.as_admin() as connection:
        tables = await connection.fetch(PUBLISHED, request.schema, request.table)
    if not tables:
        raise InvalidSubscription(
            "Unable to subscribe to changes with given parameters. Please check "
            "Realtime is enabled for the given connect parameters: " + str(request)
        )
    for filter_ in request.filters:
        for table in tables:
            why = await _filter_fault(database, filter_, table["oid"], identity.role)
            if why:
                raise InvalidSubscription(
                    "Unable to subscribe to changes with given parameters. An "
                    "exception happened so please check your connect parameters: "
                    f"{request}. Exception: {why}"
                )


async def _filter_fault(
    database: Database, filter_: Filter, table: int, role: str
) -> str | None:
    if filter_.operator == "in" and filter_.value.count(",") >= MOST_VALUES:
        return f"too many values for `in` filter. Maximum {MOST_VALUES}"
    async with database.as_admin() as connection:
        sql_type = await connection.fetchval(FILTER_COLUMN, table, filter_.column, role)
    if sql_type is None:
        return f"invalid column for filter {filter_.column}"
    try:
        async with database.as_admin() as connection:
            await connection.fetchval(f"select {filter_.condition('null', sql_type)}")
    except Refusal as refusal:
        return str(refusal.body["message"])
    return None
