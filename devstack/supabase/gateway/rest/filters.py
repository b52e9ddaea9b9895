"""Horizontal filters: `id=eq.5`, `or=(a.is.null,not.and(b.gt.1,b.lt.9))`.

Parsing only; sql.py renders. Grammar: docs.postgrest.org, "Tables and Views".
"""

from __future__ import annotations

import dataclasses
import re

from devstack.supabase.gateway.rest.grammar import Field, Scanner

# Operators that compare with one value; those in QUANTIFIABLE also take (any), (all).
COMPARISONS = {
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "like": "like",
    "ilike": "ilike",
    "match": "~",
    "imatch": "~*",
    "cs": "@>",
    "cd": "<@",
    "ov": "&&",
    "sl": "<<",
    "sr": ">>",
    "nxr": "&<",
    "nxl": "&>",
    "adj": "-|-",
}
QUANTIFIABLE = frozenset(
    {"eq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch"}
)
PATTERNS = frozenset({"like", "ilike"})  # where * may stand for %
SEARCHES = {
    "fts": "to_tsquery",
    "plfts": "plainto_tsquery",
    "phfts": "phraseto_tsquery",
    "wfts": "websearch_to_tsquery",
}
STATES = {
    "null": "null",
    "not_null": "not null",
    "true": "true",
    "false": "false",
    "unknown": "unknown",
}
OPERATOR = re.compile(r"([a-z]+)(?:\(([\w $]+)\))?\.")
LIST_ELEMENT = re.compile(r"[^,)]*")
ARRAY = re.compile(r"\{[^{}]*\}")
CLOSED = re.compile(r"(?=[,)]|$)")
OPERATOR_NAMES = "operator (eq, gt, ...)"


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """`operator` is SQL; `quantifier` is "any", "all" or ""."""

    operator: str
    value: str
    quantifier: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Membership:
    values: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """`is.null` and its kin; `keyword` is SQL."""

    keyword: str


@dataclasses.dataclass(frozen=True, slots=True)
class Distinction:
    value: str


@dataclasses.dataclass(frozen=True, slots=True)
class TextSearch:
    function: str
    language: str | None
    value: str


Test = Comparison | Membership | State | Distinction | TextSearch


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    field: Field
    negated: bool
    test: Test


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """`operator` is "and" or "or"."""

    operator: str
    negated: bool
    members: tuple[Filter, ...]


Filter = Condition | Group


def parse_condition(field: Field, text: str) -> Condition:
    """The right side of `column=text`; raises Refusal PGRST100."""
    scanner = Scanner(text, "filter")
    negated, test = _test(scanner, nested=False)
    scanner.end()
    return Condition(field, negated, test)


def parse_group(operator: str, text: str, *, negated: bool) -> Group:
    """The right side of `or=(…)`; raises Refusal PGRST100."""
    scanner = Scanner(text, "logic tree")
    members = _members(scanner)
    scanner.end()
    return Group(operator, negated, members)


def _members(scanner: Scanner) -> tuple[Filter, ...]:
    scanner.skip_blanks()
    scanner.expect("(")
    members = [_member(scanner)]
    while scanner.take(","):
        members.append(_member(scanner))
    scanner.expect(")")
    scanner.skip_blanks()
    return tuple(members)


def _member(scanner: Scanner) -> Filter:
    scanner.skip_blanks()
    member = _nested_group(scanner) or _nested_condition(scanner)
    scanner.skip_blanks()
    return member


def _nested_group(scanner: Scanner) -> Group | None:
    for prefix, negated in (("not.", True), ("", False)):
        for operator in ("and", "or"):
            if scanner.looks_at(f"{prefix}{operator}("):
                scanner.take(prefix + operator)
                return Group(operator, negated, _members(scanner))
    return None


def _nested_condition(scanner: Scanner) -> Condition:
    field = scanner.field()
    scanner.skip_blanks()
    scanner.expect(".")
    negated, test = _test(scanner, nested=True)
    return Condition(field, negated, test)


def _test(scanner: Scanner, *, nested: bool) -> tuple[bool, Test]:
    negated = scanner.take("not.")
    start = scanner.position
    found = scanner.match(OPERATOR)
    test = _operation(scanner, found[1], found[2], nested=nested) if found else None
    if test is None:
        scanner.position = start
        raise scanner.refusal(OPERATOR_NAMES)
    return negated, test


def _operation(
    scanner: Scanner, name: str, argument: str | None, *, nested: bool
) -> Test | None:
    """None when `name(argument)` is no operator."""
    if name in SEARCHES:
        language = argument.strip() if argument else None
        return TextSearch(SEARCHES[name], language, _value(scanner, nested=nested))
    if name in QUANTIFIABLE and argument in (None, "any", "all"):
        value = _value(scanner, nested=nested)
        value = value.replace("*", "%") if name in PATTERNS else value
        return Comparison(COMPARISONS[name], value, argument or "")
    if argument is not None:
        return None
    if name in COMPARISONS:
        return Comparison(COMPARISONS[name], _value(scanner, nested=nested))
    match name:
        case "in":
            return Membership(_list(scanner))
        case "is":
            return _state(scanner)
        case "isdistinct":
            return Distinction(_value(scanner, nested=nested))
        case _:
            return None


def _value(scanner: Scanner, *, nested: bool) -> str:
    """All that is left, or, inside a logic tree, up to the next comma."""
    if nested:
        return _element(scanner, arrays=True)
    rest = scanner.text[scanner.position :]
    scanner.position = len(scanner.text)
    return rest


def _element(scanner: Scanner, *, arrays: bool = False) -> str:
    start = scanner.position
    quoted = scanner.quoted()
    if quoted is not None and scanner.match(CLOSED):
        return quoted
    scanner.position = start
    if arrays and (array := scanner.match(ARRAY)):
        return array[0]
    found = scanner.match(LIST_ELEMENT)
    return found[0] if found else ""


def _list(scanner: Scanner) -> tuple[str, ...]:
    scanner.skip_blanks()
    scanner.expect("(")
    elements = [_element(scanner)]
    while scanner.take(","):
        elements.append(_element(scanner))
    scanner.expect(")")
    scanner.skip_blanks()
    return () if elements == [""] else tuple(elements)


def _state(scanner: Scanner) -> State:
    start = scanner.position
    found = scanner.match(re.compile(r"[A-Za-z_]+"))
    keyword = STATES.get(found[0].lower()) if found else None
    if keyword is None:
        scanner.position = start
        raise scanner.refusal("isVal: (null, not_null, true, false, unknown)")
    return State(keyword)
