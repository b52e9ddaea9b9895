"""Who may join, receive and send: tokens, and policies on `realtime.messages`.

Sentences are those of supabase/realtime (`realtime_channel.ex`), since clients show
them. A private channel is read if a `select` policy lets the caller see a message of
its topic, written if an `insert` policy lets them add one; both are tried for real and
rolled back, with `realtime.topic()` answering the topic.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import jwt

from devstack.supabase.gateway.config import GatewayConfig
from devstack.supabase.gateway.database import Connection, Database
from devstack.supabase.gateway.identity import Identity, InvalidToken, identify_token
from devstack.supabase.gateway.refusals import Refusal

OPAQUE_KEY = "sb_"
PROBE = """
insert into realtime.messages (id, topic, extension) values ($1, $2, 'broadcast')
"""
SEEN = "select exists (select from realtime.messages where id = $1)"


class Unauthorised(Exception):
    """`code` and sentence as the real server words them."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = f"{code}: {sentence}"
        self.sentence = sentence


def authorise_token(token: str, config: GatewayConfig) -> Identity:
    """The identity of a join's access token. Raises Unauthorised."""
    try:
        identity = identify_token(token, config)
    except InvalidToken as invalid:
        raise _unauthorised(token, invalid) from invalid
    if token not in (config.keys.anon, config.keys.service_role) and not (
        {"role", "exp"} <= identity.claims.keys()
    ):
        raise Unauthorised(
            "InvalidJWTToken", "Fields `role` and `exp` are required in JWT"
        )
    return identity


def expires_at(identity: Identity) -> float | None:
    """Seconds since the epoch; None for the project's own keys."""
    expiry = identity.claims.get("exp")
    return None if expiry is None else float(expiry)


def expired(expiry: float) -> Unauthorised:
    ago = max(0, int(time.time() - expiry))
    return Unauthorised("InvalidJWTToken", f"Token has expired {ago} seconds ago")


def unreadable(topic: str) -> Unauthorised:
    return Unauthorised(
        "Unauthorized",
        f"You do not have permissions to read from this Channel topic: {topic}",
    )


async def may_receive(database: Database, identity: Identity, topic: str) -> bool:
    """Raises Refusal when Postgres is away; a failing policy counts as no."""
    probe = uuid.uuid4()
    try:
        async with _trial(database) as connection:
            await connection.execute(PROBE, probe, topic)
            await _act_as(connection, identity, topic)
            return bool(await connection.fetchval(SEEN, probe))
    except Refusal as refusal:
        return _denied(refusal)


async def may_send(database: Database, identity: Identity, topic: str) -> bool:
    """Raises Refusal when Postgres is away; a failing policy counts as no."""
    try:
        async with _trial(database) as connection:
            await _act_as(connection, identity, topic)
            await connection.execute(PROBE, uuid.uuid4(), topic)
            return True
    except Refusal as refusal:
        return _denied(refusal)


@asynccontextmanager
async def _trial(database: Database) -> AsyncIterator[Connection]:
    """A transaction of which nothing remains, the role included."""
    async with database.as_admin() as connection:
        trial = connection.transaction()
        await trial.start()
        try:
            yield connection
        finally:
            await trial.rollback()


async def _act_as(connection: Connection, identity: Identity, topic: str) -> None:
    """From here to the end of the transaction."""
    await connection.execute(
        "select set_config('role', $1, true), set_config('realtime.topic', $2, true), "
        "set_config('request.jwt.claims', $3, true)",
        identity.role,
        topic,
        identity.claims_json,
    )


def _denied(refusal: Refusal) -> bool:
    """False when Postgres answered; raises the refusal when it is away."""
    error = refusal.__cause__
    if isinstance(error, asyncpg.PostgresError) and not isinstance(
        error, asyncpg.PostgresConnectionError
    ):
        return False
    raise refusal


def _unauthorised(token: str, invalid: InvalidToken) -> Unauthorised:
    if invalid.expired:
        claims = jwt.decode(token, options={"verify_signature": False})
        return expired(float(claims["exp"]))
    if isinstance(invalid.__cause__, jwt.InvalidSignatureError):
        return Unauthorised("JwtSignatureError", "Failed to validate JWT signature")
    return Unauthorised("MalformedJWT", "The token provided is not a valid JWT")
