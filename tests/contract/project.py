"""A Supabase project as its clients see it, and the people signed in to it."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from httpx import AsyncClient as AsyncHttpClient
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from devstack.supabase.local import LocalSupabase

PASSWORD = "correct horse battery staple"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Supabase:
    """What any Supabase project tells its clients; `local` when it is ours."""

    url: str
    publishable_key: str
    secret_key: str
    database_url: str
    local: LocalSupabase | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody signed in."""

    id: str
    email: str
    client: AsyncClient


@asynccontextmanager
async def connected(url: str, key: str) -> AsyncIterator[AsyncClient]:
    """A client whose sockets and timers are gone afterwards."""
    async with AsyncHttpClient() as http:
        options = AsyncClientOptions(httpx_client=http)
        client = await acreate_client(url, key, options)
        yield client
        await client.remove_all_channels()
        await client.realtime.close()
        await client.auth.close()


@asynccontextmanager
async def signed_in(
    supabase: Supabase, service: AsyncClient, name: str
) -> AsyncIterator[Person]:
    """A new user with a client of their own."""
    email = f"{name}.{uuid.uuid4().hex[:12]}@example.com"
    made = await service.auth.admin.create_user(
        {"email": email, "password": PASSWORD, "email_confirm": True}
    )
    async with connected(supabase.url, supabase.publishable_key) as client:
        await client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
        yield Person(id=made.user.id, email=email, client=client)
