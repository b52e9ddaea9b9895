"""One Starlette application out of the four services."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from devstack.supabase.gateway import auth, realtime, refusals, rest, storage
from devstack.supabase.gateway.config import GatewayConfig
from devstack.supabase.gateway.context import Context
from devstack.supabase.gateway.database import Database
from devstack.supabase.gateway.faults import Faults, FaultyParts

# What browsers may read of an answer from another origin, as the hosted gateway says.
EXPOSED_HEADERS = ["Content-Range", "Content-Location", "Content-Encoding", "Location"]


def create_app(config: GatewayConfig) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with Database.open(config) as database, AsyncExitStack() as stack:
            context = Context(config=config, database=database)
            app.router.routes[:] = _routes(context)
            for lifespan_of in (rest.lifespan, realtime.lifespan, storage.lifespan):
                await stack.enter_async_context(lifespan_of(context))
            yield

    return Starlette(
        lifespan=lifespan,
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["*"],
                allow_headers=["*"],
                expose_headers=EXPOSED_HEADERS,
            ),
            Middleware(
                FaultyParts,
                faults=Faults(config.faults_file),
                secret_key=config.keys.secret,
            ),
        ],
        exception_handlers={
            refusals.Refusal: _refuse,
            HTTPException: _refuse_route,
            Exception: _refuse_bug,
        },
    )


def _routes(context: Context) -> list[BaseRoute]:
    async def health(_: Request) -> Response:
        """Ready means that Postgres answers, not only that we listen."""
        async with context.database.as_admin() as connection:
            await connection.fetchval("select 1")
        return JSONResponse({"status": "ok"})

    return [
        Route("/health", health),
        *rest.routes(context),
        *realtime.routes(context),
        *storage.routes(context),
        *auth.routes(context),
    ]


async def _refuse(_: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, refusals.Refusal):
        raise refusal
    return JSONResponse(refusal.body, refusal.status, refusal.headers)


async def _refuse_route(request: Request, _: Exception) -> Response:
    """No service has this path or method: the API gateway itself answers."""
    return await _refuse(request, refusals.no_such_route())


async def _refuse_bug(_: Request, error: Exception) -> Response:
    # Starlette raises the error again for the server's log; the caller learns its type.
    return JSONResponse(
        {"message": f"The local gateway failed: {type(error).__name__}"}, 500
    )
