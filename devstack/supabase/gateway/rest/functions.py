"""Calls of functions: which overload the arguments mean, and its call as SQL."""

# ruff: noqa: S608 - SQL is the product here; sql.py quotes every name and value.
from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.rest.body import Layout
from devstack.supabase.gateway.rest.schema_cache import (
    Function,
    Name,
    Parameter,
    SchemaCache,
)
from devstack.supabase.gateway.rest.sql import (
    array_literal,
    identifier,
    literal,
    qualified,
)

SCALAR = "pgrst_scalar"
CLOSE_ENOUGH = 0.75


def choose(
    cache: SchemaCache, name: Name, given: Iterable[str], *, posted: bool
) -> Function:
    """The one overload that takes exactly these arguments; PGRST202 or 203 otherwise.

    A posted body may also be the single unnamed json argument of a function.
    """
    overloads = cache.functions.get(name, ())
    names = frozenset(given)
    found = [one for one in overloads if _takes(one, names)]
    if not found and posted:
        found = [one for one in overloads if takes_whole_body(one)]
    match found:
        case [only]:
            return only
        case []:
            raise _not_found(cache, name, sorted(names), posted=posted)
        case _:
            raise _ambiguous(found)


def _takes(function: Function, names: frozenset[str]) -> bool:
    required = {one.name for one in function.parameters if one.required}
    return required <= names <= {one.name for one in function.parameters}


def takes_whole_body(function: Function) -> bool:
    match function.parameters:
        case (Parameter("", "json" | "jsonb"),):
            return True
        case _:
            return False


def call_with_body(function: Function, layout: Layout) -> str:
    """A SELECT of the function's rows, its arguments read from the JSON in $1."""
    if takes_whole_body(function):
        return _call(function, f"$1::{function.parameters[0].type}", "")
    used = [one for one in function.parameters if one.name in layout.keys]
    if not used:
        return _call(function, "", "")
    typed = ", ".join(f"{identifier(one.name)} {one.type}" for one in used)
    arguments = ", ".join(
        _argument(one, f"pgrst_body.{identifier(one.name)}") for one in used
    )
    rows = f"json_to_record($1::json) as pgrst_body({typed})"
    if layout.many:  # the first object of an array counts, as in PostgREST
        rows = f"json_to_record($1::json -> 0) as pgrst_body({typed})"
    return _call(function, arguments, f"{rows} cross join lateral ")


def takes_body(function: Function, layout: Layout) -> bool:
    """Whether `call_with_body` uses $1."""
    return takes_whole_body(function) or bool(layout.keys)


def call_with_texts(function: Function, given: list[tuple[str, str]]) -> str:
    """A SELECT of the function's rows, its arguments from a query string."""
    values: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in given:
        values[name].append(value)
    arguments = ", ".join(
        _argument(one, f"{_text_value(one, values[one.name])}::{one.type}")
        for one in function.parameters
        if one.name in values
    )
    return _call(function, arguments, "")


def _text_value(parameter: Parameter, values: list[str]) -> str:
    """Of an argument given more than once the last counts, unless it is variadic."""
    return array_literal(values) if parameter.variadic else literal(values[-1])


def _argument(parameter: Parameter, value: str) -> str:
    variadic = "variadic " if parameter.variadic else ""
    return f"{variadic}{identifier(parameter.name)} => {value}"


def _call(function: Function, arguments: str, rows: str) -> str:
    call = f"{qualified(function.name)}({arguments})"
    if function.returns == "composite":
        return f"select pgrst_call.* from {rows}{call} as pgrst_call"
    scalar = f"(select {call} as {SCALAR}) as pgrst_call"
    return f"select pgrst_call.{SCALAR} from {rows}{scalar}"


def _not_found(
    cache: SchemaCache, name: Name, given: list[str], *, posted: bool
) -> refusals.Refusal:
    called = f"{name[0]}.{name[1]}"
    listed = ", ".join(given)
    shown = f"({listed})" if given else " without parameters"
    searched = (
        f" with parameter{'s' if len(given) > 1 else ''} {listed}"
        if given
        else " without parameters"
    )
    if posted:
        searched += " or with a single unnamed json/jsonb parameter"
    return refusals.postgrest(
        "PGRST202",
        f"Could not find the function {called}{shown} in the schema cache",
        f"Searched for the function {called}{searched}, "
        "but no matches were found in the schema cache.",
        _hint(cache, name, listed),
        status=404,
    )


def _hint(cache: SchemaCache, name: Name, given: str) -> str | None:
    schema, wanted = name
    overloads = cache.functions.get(name, ())
    if overloads:
        signatures = [
            ", ".join(sorted(one.name for one in overload.parameters))
            for overload in overloads
        ]
        near = difflib.get_close_matches(given, signatures, 1, 1 / 3)
        found = f"{wanted}({near[0]})" if near else None
    else:
        found = nearest(wanted, cache.functions_in(schema))
    return f"Perhaps you meant to call the function {schema}.{found}" if found else None


def nearest(wanted: str, names: Iterable[str]) -> str | None:
    """The name a caller may have meant."""
    near = difflib.get_close_matches(wanted, names, 1, CLOSE_ENOUGH)
    return near[0] if near else None


def _ambiguous(found: list[Function]) -> refusals.Refusal:
    signatures = ", ".join(
        f"{one.name[0]}.{one.name[1]}("
        + ", ".join(f"{each.name} => {each.type}" for each in one.parameters)
        + ")"
        for one in found
    )
    return refusals.postgrest(
        "PGRST203",
        f"Could not choose the best candidate function between: {signatures}",
        hint="Try renaming the parameters or the function itself in the database so "
        "function overloading can be resolved",
        status=300,
    )
