"""A parsed query as one SELECT, with related rows gathered by lateral joins.

A to-one relation becomes a JSON object, a to-many one a JSON array; `!inner` keeps
only rows that have one. JSON is made by Postgres, so numbers and order survive.
"""

# ruff: noqa: S608 - SQL is the product here; sql.py quotes every name and value.
from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.rest import relationships
from devstack.supabase.gateway.rest.filters import Condition, State
from devstack.supabase.gateway.rest.query import Level, OrderTerm, Path, Query
from devstack.supabase.gateway.rest.relationships import Relationship
from devstack.supabase.gateway.rest.schema_cache import (
    ColumnType,
    Name,
    SchemaCache,
)
from devstack.supabase.gateway.rest.select import Column, Embed, Item
from devstack.supabase.gateway.rest.sql import Scope, identifier, qualified


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows of the first level come from.

    `table` is what embeds start from; None for rows of no table.
    """

    source: str
    alias: str
    table: Name | None
    columns: dict[str, ColumnType]


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """`page` is the SELECT; `matching` selects one column of every row, uncut."""

    page: str
    matching: str


@dataclasses.dataclass(frozen=True, slots=True)
class Join:
    embed: Embed
    relationship: Relationship
    alias: str
    sql: str

    @property
    def output(self) -> str | None:
        """The embed as a selected column; None when nothing of it was selected."""
        if not self.embed.items:
            return None
        label = identifier(self.embed.label)
        if self.relationship.to_one:
            return f"row_to_json({self.alias}.*) as {label}"
        return f"coalesce({self.alias}.found, '[]') as {label}"

    def absent(self, *, negated: bool) -> str:
        """The test of `embed=is.null`."""
        column = self.alias if self.relationship.to_one else f"{self.alias}.found"
        return f"{column} is {'' if negated else 'not '}distinct from null"


def select(
    cache: SchemaCache, query: Query, origin: Origin, *, filtered: bool = True
) -> Selection:
    """`filtered=False` leaves the first level's filters out: a write has used them.

    Raises Refusal PGRST108, 118, 120, 200, 201 or 205.
    """
    reader = _Reader(cache, query)
    selection = reader.first_level(origin, filtered=filtered)
    reader.refuse_unknown_levels()
    return selection


class _Reader:
    def __init__(self, cache: SchemaCache, query: Query) -> None:
        self.cache = cache
        self.query = query
        self.seen: set[Path] = {()}
        self.numbers = itertools.count(1)

    def first_level(self, origin: Origin, *, filtered: bool) -> Selection:
        joins = list(self._joins((), self.query.items, origin))
        level = self.query.levels.get((), Level())
        if not filtered:
            level = dataclasses.replace(level, filters=[])
        scope = Scope(origin.alias, origin.columns, _embedded(joins))
        source = f"{origin.source} as {origin.alias}"
        return Selection(
            page=_select(self.query.items, joins, source, scope, level, []),
            matching=_from("select 1", joins, source, scope.filters(level.filters)),
        )

    def _level(
        self,
        path: Path,
        embed: Embed,
        relationship: Relationship,
        alias: str,
        above: str,
    ) -> str:
        """The rows of `embed` that belong to the row `above`."""
        self.seen.add(path)
        table = self.cache.tables[relationship.target]
        source = f"{qualified(table.name)} as {alias}"
        source, conditions = _correlated(relationship, source, alias, above)
        origin = Origin(source, alias, table.name, table.columns)
        joins = list(self._joins(path, embed.items, origin))
        scope = Scope(alias, table.columns, _embedded(joins))
        level = self.query.levels.get(path, Level())
        return _select(embed.items, joins, source, scope, level, conditions)

    def _joins(
        self, path: Path, items: tuple[Item, ...], origin: Origin
    ) -> Iterator[Join]:
        for embed in items:
            if isinstance(embed, Embed):
                yield self._join((*path, embed.label), embed, origin)

    def _join(self, path: Path, embed: Embed, origin: Origin) -> Join:
        # Rows of no table have no foreign keys: the empty name finds none.
        relationship = relationships.find(
            self.cache, origin.table or ("", origin.alias.strip('"')), embed
        )
        number = next(self.numbers)
        alias = f"pgrst_{number}"
        rows = self._level(
            path, embed, relationship, f"pgrst_row_{number}", origin.alias
        )
        kind = "inner" if embed.inner else "left"
        if relationship.to_one:
            sql = f"{kind} join lateral ({rows}) as {alias} on true"
        else:
            found = f"select json_agg({alias}) as found from ({rows}) as {alias}"
            kept = f"{alias}.found is not null" if embed.inner else "true"
            sql = f"{kind} join lateral ({found}) as {alias} on {kept}"
        return Join(embed, relationship, alias, sql)

    def refuse_unknown_levels(self) -> None:
        for path in self.query.levels.keys() - self.seen:
            raise not_embedded(path[-1], self.query.items)


def not_embedded(label: str, items: tuple[Item, ...] = ()) -> refusals.Refusal:
    """PGRST108; when `label` is in `items` under an alias, the alias is suggested."""
    alias = _alias_of(label, items)
    return refusals.postgrest(
        "PGRST108",
        f"'{label}' is not an embedded resource in this request",
        "Target names are not allowed in filters if they have an alias"
        if alias
        else None,
        f"Change '{label}' to '{alias}' in filters, orders or limits."
        if alias
        else f"Verify that '{label}' is included in the 'select' query parameter.",
    )


def _alias_of(target: str, items: tuple[Item, ...]) -> str | None:
    embeds = [item for item in items if isinstance(item, Embed)]
    for embed in embeds:
        if embed.target == target and embed.alias:
            return embed.alias
    deeper = (_alias_of(target, embed.items) for embed in embeds)
    return next((alias for alias in deeper if alias), None)


def _embedded(joins: list[Join]) -> _EmbedTests:
    return _EmbedTests({join.embed.label: join for join in joins})


@dataclasses.dataclass(frozen=True, slots=True)
class _EmbedTests:
    joins: dict[str, Join]

    def __call__(self, condition: Condition) -> str | None:
        join = self.joins.get(condition.field.name)
        if join is None or condition.field.path:
            return None
        match condition.test:
            case State("null"):
                return join.absent(negated=condition.negated)
            case State("not null"):
                return join.absent(negated=not condition.negated)
            case _:
                raise refusals.postgrest(
                    "PGRST120",
                    f"Bad operator on the '{join.embed.label}' embedded resource",
                    "Only is null or not is null filters are allowed on embedded "
                    "resources",
                )


def _correlated(
    relationship: Relationship, source: str, alias: str, above: str
) -> tuple[str, list[str]]:
    between = relationship.junction
    if between is None:
        return source, [
            f"{alias}.{identifier(theirs)} = {above}.{identifier(ours)}"
            for ours, theirs in relationship.pairs
        ]
    middle = f"{alias}_junction"
    near, far = between.to_source, between.to_target
    conditions = [
        f"{middle}.{identifier(column)} = {row}.{identifier(target)}"
        for key, row in ((near, above), (far, alias))
        for column, target in zip(key.columns, key.target_columns, strict=True)
    ]
    return f"{source} cross join {qualified(between.table)} as {middle}", conditions


def _select(
    items: tuple[Item, ...],
    joins: list[Join],
    source: str,
    scope: Scope,
    level: Level,
    conditions: list[str],
) -> str:
    by_label = {join.embed.label: join for join in joins}
    columns = [
        scope.column(item) if isinstance(item, Column) else by_label[item.label].output
        for item in items
    ]
    listed = ", ".join(column for column in columns if column is not None)
    conditions = [*conditions, *scope.filters(level.filters)]
    sql = _from(f"select {listed}", joins, source, conditions)
    if level.order:
        sql += " order by " + ", ".join(
            _ordered(term, scope, by_label) for term in level.order
        )
    if level.limit is not None:
        sql += f" limit {level.limit}"
    return f"{sql} offset {level.offset}" if level.offset else sql


def _from(select: str, joins: list[Join], source: str, conditions: list[str]) -> str:
    parts = [f"{select} from {source}", *(join.sql for join in joins)]
    if conditions:
        parts.append("where " + " and ".join(conditions))
    return " ".join(parts)


def _ordered(term: OrderTerm, scope: Scope, joins: dict[str, Join]) -> str:
    if not term.relation:
        return scope.order(term)
    join = joins.get(term.relation)
    if join is None:
        raise not_embedded(term.relation)
    if not join.relationship.to_one:
        source, target = join.relationship.source[1], join.embed.label
        raise refusals.postgrest(
            "PGRST118",
            f"A related order on '{target}' is not possible",
            f"'{source}' and '{target}' do not form a many-to-one or one-to-one "
            "relationship",
        )
    return scope.order(term, join.alias)
