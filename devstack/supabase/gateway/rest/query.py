"""One query string, parsed: what to select, filter, order and cut, level by level.

A level is the path of embeds that leads to it; `()` is the table itself.
"""

from __future__ import annotations

import dataclasses
import re
from urllib.parse import parse_qsl

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.rest.filters import (
    Filter,
    parse_condition,
    parse_group,
)
from devstack.supabase.gateway.rest.grammar import Field, Scanner
from devstack.supabase.gateway.rest.select import EVERYTHING, Item, parse_select

Path = tuple[str, ...]

RESERVED = frozenset({"select", "columns", "on_conflict", "apikey"})
LOGIC = frozenset({"and", "or"})
CUTS = frozenset({"limit", "offset"})
NUMBER = re.compile(r"-?[0-9]+")
LONGEST_NUMBER = 18  # digits: what surely fits a bigint


@dataclasses.dataclass(frozen=True, slots=True)
class OrderTerm:
    """`relation` names a to-one embed to order by; empty for the level's own field."""

    field: Field
    relation: str = ""
    descending: bool = False
    nulls: str = ""  # "first", "last" or Postgres's default


@dataclasses.dataclass(slots=True)
class Level:
    filters: list[Filter] = dataclasses.field(default_factory=list)
    order: tuple[OrderTerm, ...] = ()
    limit: int | None = None
    offset: int = 0


@dataclasses.dataclass(slots=True)
class Query:
    """`arguments` are those of a function called by GET, in the order given."""

    items: tuple[Item, ...] = EVERYTHING
    levels: dict[Path, Level] = dataclasses.field(default_factory=dict)
    columns: tuple[str, ...] | None = None
    on_conflict: tuple[str, ...] = ()
    selects: bool = False
    arguments: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    @property
    def is_shape(self) -> bool:
        """Whether no value of the request is in it: no filter, cut or argument."""
        return not self.arguments and not any(
            level.filters or level.offset or level.limit is not None
            for level in self.levels.values()
        )

    def level(self, path: Path) -> Level:
        return self.levels.setdefault(path, Level())


def parse_query(text: str, *, calls: bool = False) -> Query:
    """Parse what follows the `?`; raises Refusal PGRST100, 103, 123 or 127.

    With `calls`, a value without an operator is an argument of the function called.
    """
    query = Query()
    for key, value in _pairs(text):
        if key in RESERVED:
            _reserved(query, key, value)
        elif (last := key.rpartition(".")[2]) in LOGIC:
            _logic(query, key, value)
        elif last == "order":
            path, _ = _tree_path(key)
            query.level(path).order = parse_order(value)
        elif last in CUTS:
            _cut(query, key, value)
        else:
            _filter(query, key, value, calls=calls)
    return query


def parse_order(text: str) -> tuple[OrderTerm, ...]:
    scanner = Scanner(text, "order")
    terms = [_term(scanner)]
    while scanner.take(","):
        terms.append(_term(scanner))
    scanner.end()
    return tuple(terms)


def parse_columns(text: str, what: str) -> tuple[str, ...]:
    """A list of column names, each once and in the order given."""
    scanner = Scanner(text, what)
    names = [_blank_name(scanner)]
    while scanner.take(","):
        names.append(_blank_name(scanner))
    scanner.end()
    return tuple(dict.fromkeys(names))


def _pairs(text: str) -> list[tuple[str, str]]:
    """A parameter without `=` does not count, as in PostgREST."""
    given = "&".join(piece for piece in text.split("&") if "=" in piece)
    try:
        return parse_qsl(given, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise refusals.postgrest(
            "PGRST100", '"failed to parse query string"', "not UTF-8"
        ) from error


def _reserved(query: Query, key: str, value: str) -> None:
    match key:
        case "select" if not query.selects:  # the first one counts, as in PostgREST
            query.items, query.selects = parse_select(value), True
        case "columns" if query.columns is None:
            query.columns = parse_columns(value, "columns parameter")
        case "on_conflict" if not query.on_conflict:
            query.on_conflict = parse_columns(value, "on_conflict parameter")


def _logic(query: Query, key: str, value: str) -> None:
    scanner = Scanner(key, "logic path")
    names = [scanner.name()]
    while scanner.take("."):
        names.append(scanner.name())
    scanner.end()
    operator = names.pop()
    path = tuple(name for name in names if name != "not")
    group = parse_group(operator, value, negated="not" in names)
    query.level(path).filters.append(group)


def _cut(query: Query, key: str, value: str) -> None:
    """A limit or offset that is no number does not count, as in PostgREST."""
    path, field = _tree_path(key)
    if not NUMBER.fullmatch(value):
        return
    if len(value) > LONGEST_NUMBER:
        raise Scanner(value, field.name).refusal(f"at most {LONGEST_NUMBER} digits")
    number = int(value)
    if field.name == "offset":
        query.level(path).offset = number
        return
    if number < 0:
        raise refusals.postgrest(
            "PGRST103",
            "Requested range not satisfiable",
            "Limit should be greater than or equal to zero.",
            status=416,
        )
    query.level(path).limit = number


def _filter(query: Query, key: str, value: str, *, calls: bool) -> None:
    path, field = _tree_path(key)
    try:
        condition = parse_condition(field, value)
    except refusals.Refusal:
        if not calls:
            raise
        query.arguments.append((key, value))
        return
    query.level(path).filters.append(condition)


def _tree_path(key: str) -> tuple[Path, Field]:
    scanner = Scanner(key, "tree path")
    path: list[str] = []
    field = scanner.field()
    while scanner.take("."):
        path.append(field.name)
        field = scanner.field()
    scanner.end()
    return tuple(path), field


def _term(scanner: Scanner) -> OrderTerm:
    scanner.skip_blanks()
    field, relation = scanner.field(), ""
    if not field.path and scanner.take("("):
        relation, field = field.name, scanner.field()
        scanner.expect(")")
    scanner.skip_blanks()
    descending = scanner.take(".desc")
    if not descending:
        scanner.take(".asc")
    nulls = "first" if scanner.take(".nullsfirst") else ""
    nulls = "last" if not nulls and scanner.take(".nullslast") else nulls
    scanner.skip_blanks()
    if not (scanner.at_end or scanner.looks_at(",")):
        raise scanner.refusal('"," or end of input')
    return OrderTerm(field, relation, descending, nulls)


def _blank_name(scanner: Scanner) -> str:
    scanner.skip_blanks()
    name = scanner.name()
    scanner.skip_blanks()
    return name
