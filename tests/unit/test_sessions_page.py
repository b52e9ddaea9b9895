from __future__ import annotations

from pathlib import Path

from connector.domain.situations import SITUATIONS

PAGE = Path(__file__).parents[2] / "docs" / "sessions.md"


def rows_of_codes() -> list[list[str]]:
    table = PAGE.read_text("utf-8").split("## Every code")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line]
    return [[cell.strip("` ") for cell in row] for row in rows[2:]]


def test_the_page_lists_every_code_as_the_connector_says_it() -> None:
    said = [
        [code, one.state.value, one.user_action.value, one.message]
        for code, one in SITUATIONS.items()
    ]

    assert rows_of_codes() == said
