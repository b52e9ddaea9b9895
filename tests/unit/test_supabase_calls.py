"""What `zapbase doctor` compares a project with is what the connector calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from connector.adapters import supabase
from connector.adapters.supabase.calls import CALLS, lacking


def calls() -> Iterator[tuple[str, frozenset[str]]]:
    """The functions that the adapter's source names, with their arguments."""
    for file in Path(*supabase.__path__).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(
                    args=[ast.Constant(value=str(name)), ast.Dict(keys=keys)]
                ) if name.startswith("wa_"):
                    yield (
                        name,
                        frozenset(str(ast.literal_eval(key)) for key in keys if key),
                    )


def test_the_list_is_of_every_call_by_its_arguments() -> None:
    assert dict(calls()) == CALLS


def test_a_missing_function_and_one_of_other_arguments_are_lacking() -> None:
    there = {name: sorted(arguments) for name, arguments in CALLS.items()}
    del there["wa_store_batch"]
    there["wa_claim_sessions"] = ["p_holder"]
    there["wa_sign_off"] = ["p_holder", "p_more"]

    assert sorted(lacking(there)) == ["wa_claim_sessions", "wa_store_batch"]
