"""A stopped Postgres with every migration in it, which others begin as copies of.

Who starts many (a run of tests) makes one and names it to all in ZAPBASE_POSTGRES_TEMPLATE:
initdb and the migrations cost a second of CPU each time, a copy a tenth of one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from devstack.supabase.migrations import apply_migrations
from devstack.supabase.postgres import Postgres

VARIABLE: Final = "ZAPBASE_POSTGRES_TEMPLATE"


async def make_template(directory: Path, migrations: Path) -> None:
    """Leave a Postgres in `directory` that has been stopped in order."""
    postgres = Postgres(directory)
    try:
        await postgres.start()
        await apply_migrations(postgres.url(), migrations)
    finally:
        await postgres.stop()


def named_template() -> Path | None:
    """The template that the environment names, if it names one."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None
