"""A request as one SQL statement, its answer already JSON.

Every statement answers one row: `body` text, `rows` on this page, `total` without the
page's limits or null, `inserted` by an upsert or null, `location` of a new row as JSON
or null, and what the database set as `response.headers` and `response.status`.
"""

# ruff: noqa: S608 - SQL is the product here; sql.py quotes every name and value.
from __future__ import annotations

import dataclasses
import functools
import re

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.rest import embedding, functions, writes
from devstack.supabase.gateway.rest.body import Layout
from devstack.supabase.gateway.rest.embedding import Origin, Selection
from devstack.supabase.gateway.rest.media import Media
from devstack.supabase.gateway.rest.preferences import Preferences
from devstack.supabase.gateway.rest.query import Level, Query, parse_query
from devstack.supabase.gateway.rest.schema_cache import (
    Function,
    Name,
    SchemaCache,
    Table,
)
from devstack.supabase.gateway.rest.sql import identifier, qualified

RANGE = re.compile(r"([0-9]{1,18})-([0-9]{0,18})")
SETTINGS = (
    "nullif(current_setting('response.headers', true), '') as headers, "
    "nullif(current_setting('response.status', true), '') as status"
)
NULL_TEXT = "null::text"
NULL_NUMBER = "null::bigint"


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """All of a request that shapes its statement, and nothing else: the cache's key."""

    method: str
    name: Name
    query: str
    preferences: Preferences
    media: Media
    range: str | None = None
    layout: Layout = dataclasses.field(default_factory=Layout)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """`reusable` when the text holds no value of this request, only its shape."""

    sql: str
    reusable: bool = False
    takes_body: bool = False
    readonly: bool = False
    offset: int = 0
    returns_void: bool = False


@functools.lru_cache(maxsize=512)
def plan_table(cache: SchemaCache, wanted: Wanted) -> Plan:
    """GET, HEAD, POST, PATCH or DELETE of a relation; raises Refusal."""
    table = _table(cache, wanted.name)
    query = parse_query(wanted.query)
    if wanted.method in ("GET", "HEAD"):
        return _plan_read(cache, table, query, wanted)
    preferences, layout = wanted.preferences, wanted.layout
    match wanted.method:
        case "POST":
            write = writes.insert(cache, table, query, layout, preferences)
        case "PATCH":
            write = writes.update(cache, table, query, layout, preferences)
        case _:
            write = writes.delete(cache, table, query, preferences)
    return Plan(
        f"with pgrst_source as ({write.sql})" + _written(cache, table, query, wanted),
        reusable=query.is_shape,
        takes_body=write.takes_body,
    )


@functools.lru_cache(maxsize=512)
def plan_call(cache: SchemaCache, wanted: Wanted) -> Plan:
    """GET, HEAD or POST of a function; raises Refusal."""
    posted = wanted.method == "POST"
    query = parse_query(wanted.query, calls=not posted)
    given = wanted.layout.keys if posted else [name for name, _ in query.arguments]
    function = functions.choose(cache, wanted.name, given, posted=posted)
    if posted:
        call = functions.call_with_body(function, wanted.layout)
    else:
        call = functions.call_with_texts(function, query.arguments)
    level = _cut(query, wanted.range)
    selection = embedding.select(cache, query, _rows_of(cache, function))
    # Materialized: whatever of its result is used, the function runs, and once.
    sql = f"with pgrst_source as materialized ({call})"
    if function.returns == "void":
        sql += _answer(NULL_TEXT, "pgrst_source")
    else:
        body = _json(function, wanted)
        sql += _page(selection, level, wanted, body)
    return Plan(
        sql,
        reusable=query.is_shape,
        takes_body=posted and functions.takes_body(function, wanted.layout),
        readonly=not posted or not function.is_volatile,
        offset=level.offset,
        returns_void=function.returns == "void",
    )


def _table(cache: SchemaCache, name: Name) -> Table:
    if (table := cache.tables.get(name)) is not None:
        return table
    near = functions.nearest(name[1], cache.tables_in(name[0]))
    raise refusals.postgrest(
        "PGRST205",
        f"Could not find the table '{name[0]}.{name[1]}' in the schema cache",
        hint=f"Perhaps you meant the table '{name[0]}.{near}'" if near else None,
        status=404,
    )


def _plan_read(cache: SchemaCache, table: Table, query: Query, wanted: Wanted) -> Plan:
    level = _cut(query, wanted.range)
    alias = identifier(table.name[1])
    origin = Origin(qualified(table.name), alias, table.name, table.columns)
    selection = embedding.select(cache, query, origin)
    sql = _page(selection, level, wanted, _rows_json(wanted))
    return Plan(
        f"with {sql.removeprefix(', ')}",
        reusable=query.is_shape,
        readonly=True,
        offset=level.offset,
    )


def _page(selection: Selection, level: Level, wanted: Wanted, body: str) -> str:
    """The parts after the source: the page, the count when asked for, the answer."""
    sql = f", pgrst_page as ({selection.page})"
    total = NULL_NUMBER
    if wanted.preferences.count and _is_cut(level):
        sql += f", pgrst_count as ({selection.matching})"
        total = "(select count(*) from pgrst_count)"
    elif wanted.preferences.count:
        total = "count(*)"
    body = NULL_TEXT if wanted.method == "HEAD" else body
    return sql + _answer(body, "pgrst_page", total=total)


def _written(cache: SchemaCache, table: Table, query: Query, wanted: Wanted) -> str:
    """The parts after a write: the page of what was written, if wanted, and the answer."""
    preferences = wanted.preferences
    upserts = preferences.resolution == "merge-duplicates" and wanted.method == "POST"
    inserted = writes.INSERTED if upserts else "null::int"
    if preferences.returning == "representation":
        alias = identifier(table.name[1])
        origin = Origin("pgrst_source", alias, table.name, table.columns)
        selection = embedding.select(cache, query, origin, filtered=False)
        page = f", pgrst_page as ({selection.page})"
        return page + _answer(_rows_json(wanted), "pgrst_page", inserted=inserted)
    location = NULL_TEXT
    if preferences.returning == "headers-only" and table.primary_key:
        location = "case when count(*) = 1 then (json_agg(pgrst_source) -> 0)::text end"
    return _answer(NULL_TEXT, "pgrst_source", inserted=inserted, location=location)


def _answer(
    body: str,
    source: str,
    *,
    total: str = NULL_NUMBER,
    inserted: str = "null::int",
    location: str = NULL_TEXT,
) -> str:
    return (
        f" select {body} as body, count(*) as rows, {total} as total, "
        f"{inserted} as inserted, {location} as location, {SETTINGS} from {source}"
    )


def _rows_json(wanted: Wanted, row: str = "pgrst_page") -> str:
    rows = f"json_agg({row})"
    if wanted.media.stripped:
        rows = f"json_strip_nulls({rows})"
    if wanted.media.single:
        return f"coalesce({rows} -> 0, 'null')::text"
    return f"coalesce({rows}, '[]')::text"


def _json(function: Function, wanted: Wanted) -> str:
    row = "pgrst_page"
    if function.returns == "scalar":
        row += f".{functions.SCALAR}"
    if not function.is_set:
        media = dataclasses.replace(wanted.media, single=True)
        wanted = dataclasses.replace(wanted, media=media)
    return _rows_json(wanted, row)


def _rows_of(cache: SchemaCache, function: Function) -> Origin:
    table = cache.tables.get(function.table) if function.table else None
    # Filters may name the columns by the function's name, as PostgREST's errors do.
    alias = identifier(table.name[1] if table else function.name[1])
    columns = table.columns if table else {}
    return Origin("pgrst_source", alias, table.name if table else None, columns)


def _is_cut(level: Level) -> bool:
    return level.limit is not None or level.offset != 0


def _cut(query: Query, header: str | None) -> Level:
    """The first level, its limit and offset narrowed by a Range header."""
    level = query.level(())
    found = RANGE.fullmatch(header) if header else None
    if not found:
        return level
    first = max(level.offset, int(found[1]))
    ends = [int(found[2]) + 1] if found[2] else []
    if level.limit is not None:
        ends.append(level.offset + level.limit)
    level.offset = first
    level.limit = min(ends) - first if ends else None
    if level.limit is not None and level.limit < 0:
        raise refusals.postgrest(
            "PGRST103",
            "Requested range not satisfiable",
            "The lower boundary must be lower than or equal to the upper boundary in "
            "the Range header.",
            status=416,
        )
    return level
