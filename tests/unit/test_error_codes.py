"""docs/errors.md and the code name the same codes."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import errors
from connector.domain.outgoing import FILE_ON_ITS_WAY, REFUSALS, UNKNOWN_REFUSAL

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text("utf-8")
# Where rows are looked at and refused.
REFUSING = (
    *("connector/payloads", "connector/domain/outgoing", "connector/delivery"),
    *("connector/adapters/files", "connector/adapters/supabase/stored_files.py"),
)
RAISED = (
    errors.InvalidAddress,
    errors.RecipientUnknown,
    errors.SendFailed,
    errors.SendUncertain,
    errors.UploadFailed,
    errors.FileUnavailable,
    errors.StorageUnavailable,
)


def section(title: str) -> str:
    start = PAGE.index(title)
    return PAGE[start : PAGE.index("\n#", start + 1)]


def documented() -> set[str]:
    return set(
        re.findall(r"^\| `([a-z_]+)` \|", section("## Outbox rows"), re.MULTILINE)
    )


@functools.cache
def refused() -> frozenset[str]:
    """The codes of InvalidPayload, wherever one is made."""
    return frozenset(_refused())


def _refused() -> Iterator[str]:
    for place in REFUSING:
        path = ROOT / place
        for file in [path] if path.is_file() else path.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield from _codes(node)


def _codes(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    values = [each.value for each in call.keywords if each.arg == "code"]
    if name in ("refuse", "InvalidPayload"):
        values += call.args[1:]
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


def ended_by_postgres() -> set[str]:
    found = set()
    for file in (ROOT / "supabase" / "migrations").glob("*.sql"):
        for update in re.findall(
            r"update public\.wa_outbox.*?;", file.read_text("utf-8"), re.DOTALL
        ):
            found |= set(re.findall(r"error_code = '([a-z_]+)'", update))
    return found


def produced() -> set[str]:
    table = {refusal.code for refusal in (*REFUSALS.values(), UNKNOWN_REFUSAL)}
    raised = {error.code for error in RAISED} | {errors.InvalidPayload.code}
    raised |= {FILE_ON_ITS_WAY}
    return table | raised | refused() | ended_by_postgres()


def test_every_code_of_a_row_is_explained_and_every_explanation_has_its_code() -> None:
    assert documented() == produced()


def test_codes_are_found_where_they_are_made() -> None:
    """Or the test above would compare nothing with nothing."""
    assert {"media_too_large", "edit_too_late", "text_empty"} <= refused()
    assert {"expired", "send_uncertain", "cancelled"} <= ended_by_postgres()


def test_every_number_of_the_server_stands_beside_its_code() -> None:
    rows = re.findall(
        r"^\| ([0-9, ]+) \| `([a-z_]+)` \|",
        section("### What WhatsApp's"),
        re.MULTILINE,
    )
    stands = {
        int(number): code for numbers, code in rows for number in numbers.split(",")
    }

    assert stands == {number: refusal.code for number, refusal in REFUSALS.items()}


@pytest.mark.parametrize("kind", [each.__name__ for each in RAISED])
def test_what_is_raised_says_it_in_a_sentence(kind: str) -> None:
    assert str(getattr(errors, kind)()).endswith(".")
