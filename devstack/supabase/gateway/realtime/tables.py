"""What change capture has to know of a table beyond what the log says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from devstack.supabase.gateway.database import Database
from devstack.supabase.gateway.realtime.replication import Relation

# format_type with -1 names the type without its modifier: `bpchar`, never `character`,
# which a cast would read as character(1).
COLUMNS = """
select
  type.typname::text as type_name,
  format_type(type.oid, -1) as sql_type,
  coalesce(attribute.attnum = any(index.indkey), false) as is_key
from unnest($2::text[], $3::oid[]) with ordinality as logged (name, type_oid, place)
join pg_type as type on type.oid = logged.type_oid
left join pg_attribute as attribute
  on attribute.attrelid = $1 and attribute.attname = logged.name
left join pg_index as index on index.indrelid = $1 and index.indisprimary
order by logged.place
"""
SELECTABLE = """
select attname::text from pg_attribute
where attrelid = $1 and attnum > 0 and not attisdropped
and has_column_privilege($2::name, attrelid, attnum, 'select')
"""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type_name: str  # as in pg_type, what clients are told
    sql_type: str  # as written in a cast
    is_key: bool  # of the primary key
    is_identity: bool  # in the log for every UPDATE and DELETE


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table as it was when its last Relation message came.

    Postgres sends that message anew after any change of columns, policies or grants,
    so nothing here is kept longer than it holds.
    """

    oid: int
    schema: str
    name: str
    columns: tuple[Column, ...]
    has_row_security: bool
    selectable: dict[str, frozenset[str]] = field(default_factory=dict)  # by role

    @property
    def keys(self) -> list[int]:
        return [place for place, column in enumerate(self.columns) if column.is_key]

    @property
    def quoted_name(self) -> str:
        return f"{quote_name(self.schema)}.{quote_name(self.name)}"

    def place_of(self, name: str) -> int | None:
        names = (column.name for column in self.columns)
        return next((at for at, known in enumerate(names) if known == name), None)


async def describe(database: Database, relation: Relation) -> Table:
    """Look the table up. Raises Refusal when Postgres is away."""
    columns = relation.columns
    async with database.as_admin() as connection:
        rows = await connection.fetch(
            COLUMNS,
            relation.oid,
            [column.name for column in columns],
            [column.type_oid for column in columns],
        )
        has_row_security = await connection.fetchval(
            "select relrowsecurity from pg_class where oid = $1", relation.oid
        )
    return Table(
        relation.oid,
        relation.schema,
        relation.name,
        tuple(
            Column(
                logged.name,
                row["type_name"],
                row["sql_type"],
                row["is_key"],
                logged.is_identity,
            )
            for logged, row in zip(columns, rows, strict=True)
        ),
        bool(has_row_security),
    )


async def learn_selectable(database: Database, table: Table, role: str) -> None:
    """Note in `table.selectable` which columns `role` may select."""
    async with database.as_admin() as connection:
        rows = await connection.fetch(SELECTABLE, table.oid, role)
    table.selectable[role] = frozenset(row["attname"] for row in rows)


def quote_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def unnest(columns: Sequence[Column | None]) -> str:
    """`from` clause of one text array parameter per column, as row k (c0 … , ord)."""
    arrays = ", ".join(f"${place}::text[]" for place in range(1, len(columns) + 1))
    names = ", ".join(f"c{place}" for place in range(len(columns)))
    return f"unnest({arrays}) with ordinality as k ({names}, ord)"
