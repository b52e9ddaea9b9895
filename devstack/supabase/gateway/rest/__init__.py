"""PostgREST's part of the gateway: tables, views and functions over HTTP.

A request goes query → select, filters (parsing) → embedding, writes, functions (SQL) →
plan (one statement) → respond. What is not served is refused with PostgREST's codes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.routing import BaseRoute

from devstack.supabase.gateway.context import Context
from devstack.supabase.gateway.rest.catalogue import Catalogue
from devstack.supabase.gateway.rest.routes import RestService, rest_routes

__all__ = ["lifespan", "routes"]


def routes(context: Context) -> list[BaseRoute]:
    context.catalogue = Catalogue(context)
    return rest_routes(RestService(context))


@asynccontextmanager
async def lifespan(context: Context) -> AsyncIterator[None]:
    """Listen for `notify pgrst` as long as the gateway runs."""
    listening = asyncio.create_task(context.catalogue.listen())
    try:
        yield
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
