"""Realtime: `postgres_changes`, broadcast and private channels over one socket.

frames        what clients and server say, versions 1.0.0 and 2.0.0
connections   one socket        channels  one joined topic      topics  who listens
wal_stream    the log, pushed   replication  its messages       capture  kept going
changes       who is sent which change: subscriptions, visibility, records
authorisation tokens, and policies on realtime.messages
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from devstack.supabase.gateway.context import Context
from devstack.supabase.gateway.realtime.hub import Hub
from devstack.supabase.gateway.realtime.routes import realtime_routes as routes

__all__ = ["lifespan", "routes"]


@asynccontextmanager
async def lifespan(context: Context) -> AsyncIterator[None]:
    hub = Hub(context.config, context.database)
    async with hub.running():
        context.hub = hub
        yield
