"""What tests of tables share."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from postgrest import APIError
from supabase import AsyncClient

BIG = 9007199254740993  # 2^53 + 1: a float would lose it
Builder = Any  # postgrest's builders change class with every call


def invented_slug() -> str:
    return uuid.uuid4().hex


def table(client: AsyncClient, name: str) -> Builder:
    return client.table(name)


async def refusal(builder: Builder) -> APIError:
    with pytest.raises(APIError) as refused:
        await builder.execute()
    return refused.value
