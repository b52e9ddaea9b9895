"""A whole local Supabase: Postgres and gateway as child processes of this one."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from devstack.supabase.gateway.config import LARGEST_FILE, GatewayConfig
from devstack.supabase.gateway.faults import Faults
from devstack.supabase.gateway_process import Gateway
from devstack.supabase.keys import Keys, sign
from devstack.supabase.migrations import apply_migrations
from devstack.supabase.postgres import Postgres
from devstack.supabase.processes import free_port
from devstack.supabase.server import Server, given_server
from devstack.supabase.template import named_template

MIGRATIONS = Path(__file__).parents[2] / "supabase" / "migrations"
REQUEST_SECONDS = 10.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who signed up."""

    id: str
    email: str
    access_token: str
    refresh_token: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LocalSupabase:
    """What a client needs to know, and the two processes to be unkind to."""

    url: str
    keys: Keys
    postgres: Server
    gateway: Gateway

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        directory: Path,
        *,
        migrations: Path | None = MIGRATIONS,
        durable: bool = False,
        port: int | None = None,
        largest_file: int = LARGEST_FILE,
    ) -> AsyncIterator[LocalSupabase]:
        """Run everything in `directory`, which keeps data, files and keys.

        `durable` survives a power failure too; `port` is the gateway's, if it is free;
        `largest_file` is Storage's limit in bytes.
        """
        home = _prepared(directory)
        keys_file = home / "keys.json"
        keys = Keys.load_or_generate(keys_file)
        like = named_template() if migrations == MIGRATIONS else None
        postgres = given_server() or Postgres(home, durable=durable, like=like)
        try:
            await postgres.start()
            if migrations is not None:
                await apply_migrations(postgres.url(), migrations)
            config = GatewayConfig(
                database_url=postgres.url("authenticator"),
                admin_url=postgres.admin_url,
                keys=keys,
                files_dir=home / "files",
                port=free_port(port),
                largest_file=largest_file,
            )
            log = home / "gateway.log"
            gateway = Gateway(config, keys_file=keys_file, log=log)
            try:
                await gateway.start()
                yield cls(url=config.url, keys=keys, postgres=postgres, gateway=gateway)
            finally:
                await gateway.stop()
        finally:
            await postgres.stop()

    @property
    def faults(self) -> Faults:
        """To have parts answer the secret key with errors."""
        return self.gateway.faults

    @property
    def database_url(self) -> str:
        """As `postgres`, which is no superuser."""
        return self.postgres.url()

    @property
    def admin_url(self) -> str:
        """As `supabase_admin`, the superuser."""
        return self.postgres.admin_url

    def mint(
        self,
        role: str = "authenticated",
        sub: str | None = None,
        expires_in: float = 3600,
        **claims: Any,
    ) -> str:
        """A JWT nobody signed in for; a negative `expires_in` has expired already."""
        subject = {"sub": sub, "aud": "authenticated"} if sub is not None else {}
        return sign(self.keys.jwt_secret, {"role": role} | subject | claims, expires_in)

    async def sign_up(self, email: str, password: str) -> User:
        """A new user through the real endpoint; raises ClientResponseError."""
        patience = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=patience, raise_for_status=True) as session,
            session.post(
                f"{self.url}/auth/v1/signup",
                headers={"apikey": self.keys.publishable},
                json={"email": email, "password": password},
            ) as answer,
        ):
            granted = await answer.json()
        return User(
            id=granted["user"]["id"],
            email=email,
            access_token=granted["access_token"],
            refresh_token=granted["refresh_token"],
        )


def _prepared(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory.resolve()
