"""Who a request speaks for: API key first, then the bearer token.

As on the hosted platform, an API key is always needed and only the project's own keys
are taken; the bearer token, when it is a JWT of ours, decides the role.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import jwt

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.config import GatewayConfig


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """A Postgres role and the JWT claims policies see as `request.jwt.claims`."""

    role: str
    claims: dict[str, Any]

    @property
    def claims_json(self) -> str:
        return json.dumps(self.claims, separators=(",", ":"))

    @property
    def user_id(self) -> str | None:
        return self.claims.get("sub")


class InvalidToken(Exception):
    """A bearer token that proves nothing; the message says why, without the token."""

    def __init__(self, reason: str, *, expired: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.expired = expired


def identify(
    headers: Mapping[str, str], query: Mapping[str, str], config: GatewayConfig
) -> Identity:
    """The identity of a request; `headers` must look names up in lower case.

    Raises Refusal: 401 for a missing or unknown API key in the shape of the API
    gateway, 401 PGRST301/PGRST303 for a broken or expired token.
    """
    own = identify_key(headers.get("apikey") or query.get("apikey"), config)
    token = bearer_token(headers)
    if token is None:
        return own
    try:
        return identify_token(token, config)
    except InvalidToken as invalid:
        raise _postgrest_refusal(invalid) from invalid


def identify_key(key: str | None, config: GatewayConfig) -> Identity:
    """The role behind one of the project's API keys; raises Refusal 401 otherwise."""
    if not key:
        raise refusals.no_api_key()
    if (role := _role_of_key(key, config)) is None:
        raise refusals.unknown_api_key()
    return Identity(role, {"role": role})


def identify_token(token: str, config: GatewayConfig) -> Identity:
    """The identity a bearer token proves; raises InvalidToken.

    The project's own keys are taken too, since clients send them as bearer tokens.
    """
    if (role := _role_of_key(token, config)) is not None:
        return Identity(role, {"role": role})
    try:
        claims = jwt.decode(
            token, config.jwt_secret, ["HS256"], options={"verify_aud": False}
        )
    except jwt.ExpiredSignatureError as error:
        raise InvalidToken("JWT expired", expired=True) from error
    except jwt.PyJWTError as error:
        raise InvalidToken(_reason(token, error)) from error
    return Identity(str(claims.get("role") or "anon"), claims)


def bearer_token(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _role_of_key(key: str, config: GatewayConfig) -> str | None:
    if key in (config.keys.publishable, config.keys.anon):
        return "anon"
    if key in (config.keys.secret, config.keys.service_role):
        return "service_role"
    return None


def _reason(token: str, error: jwt.PyJWTError) -> str:
    """PostgREST's own words where they are known."""
    if (parts := token.count(".") + 1) != 3:  # noqa: PLR2004 - header.payload.signature
        return f"Expected 3 parts in JWT; got {parts}"
    if isinstance(error, jwt.InvalidSignatureError):
        return "No suitable key or wrong key type"
    return str(error)


def _postgrest_refusal(invalid: InvalidToken) -> refusals.Refusal:
    return refusals.postgrest(
        "PGRST303" if invalid.expired else "PGRST301",
        invalid.reason,
        status=401,
        headers={
            "WWW-Authenticate": 'Bearer error="invalid_token", '
            f'error_description="{invalid.reason}"'
        },
    )
