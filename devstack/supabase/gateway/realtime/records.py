"""Captured rows as JSON, written by Postgres itself so that every number stays exact."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from devstack.supabase.gateway.database import Database
from devstack.supabase.gateway.realtime.frames import dumps
from devstack.supabase.gateway.realtime.replication import UNCHANGED, Row, Unchanged
from devstack.supabase.gateway.realtime.tables import Table, unnest

LARGEST_RECORD = 1024 * 1024  # characters; beyond it, long values are left out
LONGEST_KEPT = 64

# JSON text per column; None for a value that is not in the log.
Cells: TypeAlias = list[str | None]


async def render(database: Database, table: Table, rows: Sequence[Row]) -> list[Cells]:
    """Each value as the JSON text `to_jsonb` gives it."""
    cells = ", ".join(
        f"to_jsonb(k.c{place}::{column.sql_type})::text"
        for place, column in enumerate(table.columns)
    )
    arguments = [
        [value if isinstance(value, str) else None for value in column]
        for column in zip(*rows, strict=True)
    ]
    statement = (
        f"select array[{cells}] as cells from {unnest(table.columns)} order by k.ord"  # noqa: S608 - type names come from format_type
    )
    async with database.as_admin() as connection:
        found = await connection.fetch(statement, *arguments)
    return [
        [_cell(text, value) for text, value in zip(line["cells"], row, strict=True)]
        for line, row in zip(found, rows, strict=True)
    ]


def _cell(text: str | None, value: str | Unchanged | None) -> str | None:
    if value is UNCHANGED:
        return None
    return "null" if text is None else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One change with its rows as JSON cells, ready for any selection of columns."""

    table: Table
    kind: str
    commit_timestamp: str
    new: Cells | None
    old: Cells | None

    @property
    def is_too_large(self) -> bool:
        cells = (self.new or []) + (self.old or [])
        return sum(len(cell) for cell in cells if cell) > LARGEST_RECORD

    def data(self, names: Collection[str]) -> str:
        """The `data` of a postgres_changes event, showing only the columns `names`."""
        too_large = self.is_too_large
        columns = [
            {"name": column.name, "type": column.type_name}
            for column in self.table.columns
            if column.name in names
        ]
        parts = [
            f'"schema":{json.dumps(self.table.schema)}',
            f'"table":{json.dumps(self.table.name)}',
            f'"type":"{self.kind}"',
            f'"commit_timestamp":"{self.commit_timestamp}"',
            f'"columns":{dumps(columns)}',
        ]
        if self.new is not None:
            parts.append(f'"record":{self._record(self.new, names, too_large)}')
        if self.old is not None:
            parts.append(f'"old_record":{self._record(self.old, names, too_large)}')
        errors = '["Error 413: Payload Too Large"]' if too_large else "null"
        return f'{{{",".join(parts)},"errors":{errors}}}'

    def _record(self, cells: Cells, names: Collection[str], too_large: bool) -> str:  # noqa: FBT001 - private
        members = (
            f"{json.dumps(column.name)}:{cell}"
            for column, cell in zip(self.table.columns, cells, strict=True)
            if cell is not None
            and column.name in names
            and not (too_large and len(cell) > LONGEST_KEPT)
        )
        return f"{{{','.join(members)}}}"


def refusal(table: Table, kind: str, error: str) -> str:
    """The `data` of an event that carries only why its row cannot be shown."""
    return dumps(
        {"schema": table.schema, "table": table.name, "type": kind, "errors": [error]}
    )
