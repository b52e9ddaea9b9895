"""Cuts a SQL file into its statements, as the Supabase CLI does before it records them."""

from __future__ import annotations

import re

# One token at a time; what is inside quotes, dollar quotes and comments is never cut.
TOKEN = re.compile(
    r"""
      --[^\n]*                                   # comment to the end of the line
    | /\*                                        # block comment, which nests
    | (?<![A-Za-z0-9_$])[eE]'(?:[^'\\]|\\.|'')*' # string with escapes
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?<![A-Za-z0-9_$])\$(?P<tag>(?:[A-Za-z_][A-Za-z0-9_]*)?)\$ # opens a dollar quote
    | [A-Za-z_][A-Za-z0-9_$]*
    | ;
    """,
    re.VERBOSE | re.DOTALL,
)


def split_statements(sql: str) -> list[str]:
    """The statements of `sql` in order, without their final semicolon."""
    statements: list[str] = []
    begin = position = depth = 0
    previous = ""
    while token := TOKEN.search(sql, position):
        text = token.group().lower()
        position = _end(sql, token)
        depth += _block_change(previous, text, depth)
        if text == ";" and depth == 0:
            statements.append(sql[begin : token.start()].strip())
            begin = position
        if not text.startswith(("--", "/*")):
            previous = text
    statements.append(sql[begin:].strip())
    return [statement for statement in statements if _says_something(statement)]


def _end(sql: str, token: re.Match[str]) -> int:
    """Where the token's construct ends; an unterminated one runs to the end."""
    if token.group() == "/*":
        return _end_of_comment(sql, token.end())
    if token.group("tag") is not None:
        closing = sql.find(token.group(), token.end())
        return len(sql) if closing < 0 else closing + len(token.group())
    return token.end()


def _end_of_comment(sql: str, position: int) -> int:
    depth = 1
    for mark in re.compile(r"/\*|\*/").finditer(sql, position):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(sql)


def _block_change(previous: str, word: str, depth: int) -> int:
    """Bodies written as `begin atomic … end` keep their semicolons."""
    if word == "atomic" and previous == "begin":
        return 1
    if depth and word == "case":
        return 1
    return -1 if depth and word == "end" else 0


def _says_something(statement: str) -> bool:
    without_comments = re.sub(r"--[^\n]*|/\*.*?\*/", "", statement, flags=re.DOTALL)
    return bool(without_comments.strip())
