"""One change of one row, as captured, with the table it happened in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from devstack.supabase.gateway.realtime.records import Cells, Rendered
from devstack.supabase.gateway.realtime.replication import (
    UNCHANGED,
    Begin,
    ChangeKind,
    Row,
    RowChange,
)
from devstack.supabase.gateway.realtime.tables import Table


@dataclass(frozen=True, eq=False, slots=True)
class CapturedChange:
    table: Table
    change: RowChange
    begin: Begin

    @property
    def xid(self) -> int:
        return self.begin.xid

    @property
    def kind(self) -> ChangeKind:
        return self.change.kind

    @property
    def subject(self) -> Row:
        """The row that filters and policies are asked about."""
        row = self.change.new or self.change.old
        if row is None:
            raise ValueError("a change has a row")
        return row

    def rows(self) -> list[Row]:
        """The rows to show: new if there is one, then old if there is one."""
        return [row for row in (self._new_row(), self._old_row()) if row is not None]

    def rendered(self, cells: Iterator[Cells]) -> Rendered:
        """Takes from `cells` as many rows as `rows` gave."""
        at = self.begin.commit_time
        return Rendered(
            table=self.table,
            kind=self.kind,
            commit_timestamp=f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
            new=next(cells) if self.change.new is not None else None,
            old=next(cells) if self.kind is not ChangeKind.INSERT else None,
        )

    def _new_row(self) -> Row | None:
        """Unchanged large values are taken from the old row where it was logged."""
        new, old = self.change.new, self.change.old
        if new is None or old is None or not self.change.old_is_whole:
            return new
        return tuple(
            before if value is UNCHANGED else value
            for value, before in zip(new, old, strict=True)
        )

    def _old_row(self) -> Row | None:
        """Its identity only, unless REPLICA IDENTITY FULL logs all of it.

        A deleted row cannot be checked against policies any more: where there are
        some, only its primary key is shown.
        """
        if self.kind is ChangeKind.INSERT:
            return None
        row = self.change.old or self.subject
        hidden = self.kind is ChangeKind.DELETE and self.table.has_row_security
        return tuple(
            value
            if (self.change.old_is_whole or column.is_identity)
            and (column.is_key or not hidden)
            else UNCHANGED
            for value, column in zip(row, self.table.columns, strict=True)
        )
