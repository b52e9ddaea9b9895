"""Users in the tables of schema auth: found, made, changed, shown."""

from __future__ import annotations

import dataclasses
import json
import re
import uuid
from datetime import datetime
from typing import Any

import asyncpg

from devstack.supabase.gateway.auth.answers import AuthRefusal
from devstack.supabase.gateway.database import Connection

SHORTEST_PASSWORD = 6
LONGEST_PASSWORD = 72  # bytes; bcrypt ignores the rest, so Auth refuses it
# Far below the real 2**10 rounds: these accounts are invented and tests make many.
BCRYPT_ROUNDS = 6
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

COLUMNS = """
  users.id, users.aud, users.role, users.email, users.phone, users.encrypted_password,
  users.email_confirmed_at, users.confirmed_at, users.last_sign_in_at,
  users.raw_app_meta_data, users.raw_user_meta_data, users.created_at,
  users.updated_at, users.is_anonymous,
  (
    select coalesce(jsonb_agg(to_jsonb(identities) order by created_at), '[]')
    from auth.identities as identities where identities.user_id = users.id
  ) as identities
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    email: str
    password: str | None
    user_metadata: dict[str, Any]
    app_metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    id: str | None = None
    confirmed: bool = True


def checked_email(email: str) -> str:
    """As it is stored: trimmed, in lower case; raises AuthRefusal."""
    normal = email.strip().lower()
    if not EMAIL.fullmatch(normal):
        message = "Unable to validate email address: invalid format"
        raise AuthRefusal(400, "validation_failed", message)
    return normal


def checked_password(password: str) -> str:
    """Raises AuthRefusal for one that Auth's default settings do not take."""
    if len(password) < SHORTEST_PASSWORD:
        message = f"Password should be at least {SHORTEST_PASSWORD} characters."
        reasons = {"weak_password": {"reasons": ["length"]}}
        raise AuthRefusal(422, "weak_password", message, reasons)
    if len(password.encode()) > LONGEST_PASSWORD:
        message = f"Password cannot be longer than {LONGEST_PASSWORD} characters"
        raise AuthRefusal(400, "validation_failed", message)
    return password


async def insert(connection: Connection, new: NewAccount) -> asyncpg.Record | None:
    """The new user's row, or None when the email has been registered before."""
    account = new.id or str(uuid.uuid4())
    inserted = await connection.fetchval(
        """
        insert into auth.users (
          instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
          raw_app_meta_data, raw_user_meta_data, created_at, updated_at
        )
        values (
          '00000000-0000-0000-0000-000000000000', $1, 'authenticated', 'authenticated',
          $2, extensions.crypt($3, extensions.gen_salt('bf', $4)),
          case when $5 then now() end, $6::jsonb, $7::jsonb, now(), now()
        )
        on conflict do nothing
        returning id
        """,
        account,
        new.email,
        new.password,
        BCRYPT_ROUNDS,
        new.confirmed,
        json.dumps({"provider": "email", "providers": ["email"]} | new.app_metadata),
        json.dumps(new.user_metadata),
    )
    if inserted is None:
        return None
    await _insert_identity(connection, account, new)
    return await by_id(connection, account)


async def _insert_identity(
    connection: Connection, account: str, new: NewAccount
) -> None:
    known = {
        "sub": account,
        "email": new.email,
        "email_verified": False,
        "phone_verified": False,
    }
    await connection.execute(
        """
        insert into auth.identities
          (provider_id, user_id, identity_data, provider, created_at, updated_at)
        values ($1, $2, $3::jsonb, 'email', now(), now())
        """,
        account,
        account,
        json.dumps(known),
    )


async def by_id(connection: Connection, account: str) -> asyncpg.Record | None:
    return await connection.fetchrow(
        f"select {COLUMNS} from auth.users where id = $1",  # noqa: S608 - a constant
        account,
    )


async def by_password(
    connection: Connection, email: str, password: str
) -> asyncpg.Record | None:
    return await connection.fetchrow(
        f"""
        select {COLUMNS} from auth.users
        where email = $1 and is_sso_user = false
          and encrypted_password = extensions.crypt($2, encrypted_password)
        """,  # noqa: S608 - a constant
        email.strip().lower(),
        password,
    )


async def change(
    connection: Connection,
    account: str,
    *,
    email: str | None = None,
    password: str | None = None,
    user_metadata: dict[str, Any] | None = None,
    app_metadata: dict[str, Any] | None = None,
) -> asyncpg.Record | None:
    """Change what is given; metadata is merged key by key. Returns the row."""
    await connection.execute(
        """
        update auth.users set
          email = coalesce($2, email),
          encrypted_password = coalesce(
            extensions.crypt($3, extensions.gen_salt('bf', $4)), encrypted_password
          ),
          raw_user_meta_data = jsonb_strip_nulls(raw_user_meta_data || $5::jsonb),
          raw_app_meta_data = jsonb_strip_nulls(raw_app_meta_data || $6::jsonb),
          updated_at = now()
        where id = $1
        """,
        account,
        email,
        password,
        BCRYPT_ROUNDS,
        json.dumps(user_metadata or {}),
        json.dumps(app_metadata or {}),
    )
    return await by_id(connection, account)


def shown(row: asyncpg.Record) -> dict[str, Any]:
    """A user as Auth's API shows it."""
    times = ("email_confirmed_at", "confirmed_at", "last_sign_in_at")
    return {
        "id": str(row["id"]),
        "aud": row["aud"] or "authenticated",
        "role": row["role"] or "authenticated",
        "email": row["email"],
        **{name: moment(row[name]) for name in times if row[name] is not None},
        "phone": row["phone"] or "",
        "app_metadata": json.loads(row["raw_app_meta_data"] or "{}"),
        "user_metadata": json.loads(row["raw_user_meta_data"] or "{}"),
        "identities": [_shown_identity(one) for one in json.loads(row["identities"])],
        "created_at": moment(row["created_at"]),
        "updated_at": moment(row["updated_at"]),
        "is_anonymous": row["is_anonymous"],
    }


def _shown_identity(identity: dict[str, Any]) -> dict[str, Any]:
    """Auth calls the row `identity_id` and the provider's name for the user `id`."""
    return {
        "identity_id": identity["id"],
        "id": identity["provider_id"],
        "user_id": identity["user_id"],
        "identity_data": identity["identity_data"],
        "provider": identity["provider"],
        "last_sign_in_at": identity["last_sign_in_at"],
        "created_at": identity["created_at"],
        "updated_at": identity["updated_at"],
        "email": identity["email"],
    }


def moment(value: datetime | None) -> str | None:
    """RFC 3339 with Z; users inserted by hand may lack times."""
    if value is None:
        return None
    return value.isoformat().replace("+00:00", "Z")
