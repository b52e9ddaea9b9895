"""One Postgres with every migration for a whole run: each world begins as a copy of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from devstack.supabase.local import MIGRATIONS
from devstack.supabase.project import given_project
from devstack.supabase.server import given_server
from devstack.supabase.template import VARIABLE, make_template


@asynccontextmanager
async def postgres_template(directory: Path) -> AsyncIterator[None]:
    """While the block lasts, local Supabases of this process begin as copies."""
    if VARIABLE in os.environ or given_project(os.environ) or given_server():
        yield
        return
    await make_template(directory, MIGRATIONS)
    os.environ[VARIABLE] = str(directory)
    try:
        yield
    finally:
        del os.environ[VARIABLE]
