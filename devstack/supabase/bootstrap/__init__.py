"""Makes an empty database look like one of a hosted Supabase project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import asyncpg

FILES = sorted(Path(__file__).parent.glob("*.sql"))
LOGIN_ROLES = ("postgres", "authenticator")


async def bootstrap(
    admin_url: str, password: str | None, login_roles: Sequence[str] = LOGIN_ROLES
) -> None:
    """Run every SQL file here as a superuser, then let the roles that log in do so.

    All of it can be repeated on a database that has it already.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction():
            for file in FILES:
                await connection.execute(file.read_text("utf-8"))
            for role in login_roles if password else ():
                await connection.execute(
                    await connection.fetchval(
                        "select format('alter role %I password %L', $1::text, $2::text)",
                        role,
                        password,
                    )
                )
    finally:
        await connection.close()
