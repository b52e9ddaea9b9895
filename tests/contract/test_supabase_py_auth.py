"""Auth as the unmodified supabase-py uses it."""

from __future__ import annotations

import uuid

import asyncpg
import jwt
import pytest
from supabase import AsyncClient, AuthApiError, AuthWeakPasswordError

from tests.contract.project import PASSWORD, Person, Supabase, connected


def invented_email(name: str = "carla") -> str:
    return f"{name}.{uuid.uuid4().hex[:12]}@example.com"


def claims_of(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return claims


async def test_signing_up_signs_in(anonymous: AsyncClient) -> None:
    email = invented_email()

    answer = await anonymous.auth.sign_up(
        {
            "email": email.upper(),
            "password": PASSWORD,
            "options": {"data": {"nickname": "C"}},
        }
    )

    assert answer.session is not None
    assert answer.user is not None
    assert answer.user.email == email
    assert answer.user.user_metadata["nickname"] == "C"
    assert answer.user.app_metadata == {"provider": "email", "providers": ["email"]}
    [identity] = answer.user.identities or []
    assert (identity.provider, identity.user_id) == ("email", answer.user.id)
    claims = claims_of(answer.session.access_token)
    assert claims["sub"] == answer.user.id
    assert claims["role"] == claims["aud"] == "authenticated"
    assert claims["aal"] == "aal1"


async def test_an_address_signs_up_once(anonymous: AsyncClient, ana: Person) -> None:
    with pytest.raises(AuthApiError) as refused:
        await anonymous.auth.sign_up({"email": ana.email, "password": PASSWORD})

    assert (refused.value.status, refused.value.code) == (422, "user_already_exists")


async def test_a_short_password_is_weak(anonymous: AsyncClient) -> None:
    with pytest.raises(AuthWeakPasswordError) as refused:
        await anonymous.auth.sign_up({"email": invented_email(), "password": "abc"})

    assert (refused.value.status, refused.value.reasons) == (422, ["length"])


async def test_a_wrong_password_and_an_unknown_address_look_the_same(
    anonymous: AsyncClient, ana: Person
) -> None:
    for email in (ana.email, invented_email()):
        with pytest.raises(AuthApiError) as refused:
            await anonymous.auth.sign_in_with_password(
                {"email": email, "password": "not the password"}
            )

        assert refused.value.code == "invalid_credentials"
        assert refused.value.message == "Invalid login credentials"


async def test_a_refresh_token_works_once_and_yields_the_next(ana: Person) -> None:
    first = await ana.client.auth.get_session()
    assert first is not None

    second = await ana.client.auth.refresh_session(first.refresh_token)

    assert second.session is not None
    assert second.session.refresh_token != first.refresh_token
    before, after = (
        claims_of(token)["session_id"]
        for token in (first.access_token, second.session.access_token)
    )
    assert before == after
    third = await ana.client.auth.refresh_session(second.session.refresh_token)
    assert third.session is not None


async def test_an_unknown_refresh_token_is_refused(anonymous: AsyncClient) -> None:
    with pytest.raises(AuthApiError) as refused:
        await anonymous.auth.refresh_session("never-issued")

    # Newer than the codes supabase-py knows by type.
    assert str(refused.value.code) == "refresh_token_not_found"


async def test_a_user_changes_metadata_and_password(
    ana: Person, anonymous: AsyncClient
) -> None:
    changed = await ana.client.auth.update_user(
        {"password": "a new pass phrase", "data": {"theme": "dark"}}
    )

    assert changed.user.user_metadata["theme"] == "dark"
    again = await anonymous.auth.sign_in_with_password(
        {"email": ana.email, "password": "a new pass phrase"}
    )
    assert again.user is not None
    assert again.user.id == ana.id


async def test_after_signing_out_the_session_is_gone(ana: Person) -> None:
    session = await ana.client.auth.get_session()
    assert session is not None

    await ana.client.auth.sign_out()

    with pytest.raises(AuthApiError) as refused:
        await ana.client.auth.get_user(session.access_token)
    assert refused.value.code == "session_not_found"


async def test_a_forged_token_is_no_user(ana: Person) -> None:
    session = await ana.client.auth.get_session()
    assert session is not None
    forged = jwt.encode(claims_of(session.access_token), "x" * 32, "HS256")

    with pytest.raises(AuthApiError) as refused:
        await ana.client.auth.get_user(forged)

    assert (refused.value.status, refused.value.code) == (403, "bad_jwt")


async def test_the_secret_key_manages_users(service: AsyncClient) -> None:
    email = invented_email()
    made = await service.auth.admin.create_user(
        {"email": email, "password": PASSWORD, "app_metadata": {"plan": "pro"}}
    )

    assert made.user.email_confirmed_at is None
    assert made.user.app_metadata["plan"] == "pro"
    found = await service.auth.admin.get_user_by_id(made.user.id)
    assert found.user.email == email
    assert email in [user.email for user in await service.auth.admin.list_users()]

    await service.auth.admin.delete_user(made.user.id)

    with pytest.raises(AuthApiError) as refused:
        await service.auth.admin.get_user_by_id(made.user.id)
    assert (refused.value.status, refused.value.code) == (404, "user_not_found")


async def test_an_unconfirmed_address_cannot_sign_in(
    service: AsyncClient, anonymous: AsyncClient
) -> None:
    email = invented_email()
    await service.auth.admin.create_user({"email": email, "password": PASSWORD})

    with pytest.raises(AuthApiError) as refused:
        await anonymous.auth.sign_in_with_password(
            {"email": email, "password": PASSWORD}
        )

    assert refused.value.code == "email_not_confirmed"


async def test_a_user_is_no_admin(ana: Person) -> None:
    with pytest.raises(AuthApiError) as refused:
        await ana.client.auth.admin.list_users()

    assert (refused.value.status, refused.value.code) == (403, "not_admin")


async def test_the_database_sees_the_users_claims(
    ana: Person, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with database.transaction():
        await database.execute(
            "select set_config('request.jwt.claims', $1, true)",
            f'{{"sub":"{ana.id}","role":"authenticated","email":"{ana.email}"}}',
        )
        seen = await database.fetchrow("select auth.uid(), auth.role(), auth.email()")

    assert tuple(seen or ()) == (uuid.UUID(ana.id), "authenticated", ana.email)


async def test_a_user_from_a_seed_file_can_sign_in(
    anonymous: AsyncClient, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    email = invented_email("seeded")
    await database.execute(
        """
        insert into auth.users
          (id, instance_id, aud, role, email, encrypted_password, email_confirmed_at,
           raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
        values
          (gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'authenticated',
           'authenticated', $1, extensions.crypt($2, extensions.gen_salt('bf')), now(),
           '{"provider":"email"}', '{}', now(), now())
        """,
        email,
        PASSWORD,
    )

    answer = await anonymous.auth.sign_in_with_password(
        {"email": email, "password": PASSWORD}
    )

    assert answer.user is not None
    assert answer.user.email == email


async def test_an_unknown_api_key_opens_nothing(supabase: Supabase) -> None:
    async with connected(supabase.url, "sb_publishable_" + "x" * 30) as client:
        with pytest.raises(AuthApiError) as refused:
            await client.auth.sign_in_with_password(
                {"email": invented_email(), "password": PASSWORD}
            )

    assert refused.value.status == 401
    assert refused.value.message == "Invalid API key"
