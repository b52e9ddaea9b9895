"""Auth: sign-up, sign-in by password, refresh, users; the part of GoTrue frontends need.

Mail, phone, anonymous and third-party sign-in are refused. Passwords are bcrypt hashes
made by pgcrypto, so users that a seed file inserts with `crypt()` can sign in too.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from devstack.supabase.gateway.auth import admin, sessions, users
from devstack.supabase.gateway.auth.answers import Endpoints
from devstack.supabase.gateway.context import Context

PREFIX = "/auth/v1"


def routes(context: Context) -> list[BaseRoute]:
    endpoints = Endpoints(context, PREFIX)
    sessions.serve(endpoints)
    users.serve(endpoints)
    admin.serve(endpoints)
    return endpoints.routes()
