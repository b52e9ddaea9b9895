"""`/rest/v1`: from the HTTP request to one statement as the caller, and back."""

from __future__ import annotations

import dataclasses

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.context import Context
from devstack.supabase.gateway.identity import Identity, identify
from devstack.supabase.gateway.rest.body import Body, read_arguments, read_body
from devstack.supabase.gateway.rest.catalogue import Catalogue
from devstack.supabase.gateway.rest.complaints import explained
from devstack.supabase.gateway.rest.media import negotiate
from devstack.supabase.gateway.rest.plan import Plan, Wanted, plan_call, plan_table
from devstack.supabase.gateway.rest.preferences import parse_preferences
from devstack.supabase.gateway.rest.query import parse_query
from devstack.supabase.gateway.rest.respond import (
    Outcome,
    check,
    respond_read,
    respond_write,
)
from devstack.supabase.gateway.rest.schema_cache import EXPOSED_SCHEMAS, SchemaCache

READS = frozenset({"GET", "HEAD"})
TABLE_METHODS = READS | {"POST", "PATCH", "DELETE"}
CALL_METHODS = READS | {"POST"}
JSON_BODIES = ("", "application/json", "application/vnd.pgrst.object+json")


class RestService:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.catalogue: Catalogue = context.catalogue

    async def table(self, request: Request) -> Response:
        identity = self._identify(request)
        _refuse_method(request, TABLE_METHODS)
        body = None
        if request.method in ("POST", "PATCH"):
            body = await _table_body(request)
        wanted = _wanted(request, "table", body)

        async def answer(cache: SchemaCache) -> Response:
            plan = plan_table(cache, wanted)
            outcome = await self._run(request, identity, wanted, plan, body)
            if wanted.method in READS:
                return respond_read(wanted, plan, outcome)
            return respond_write(wanted, outcome)

        return await self.catalogue.serve(answer)

    async def call(self, request: Request) -> Response:
        identity = self._identify(request)
        if request.method not in CALL_METHODS:
            raise refusals.postgrest(
                "PGRST101", f"Cannot use the {request.method} method on RPC", status=405
            )
        body = None
        if request.method == "POST":
            _refuse_content_type(request)
            body = read_arguments(await request.body())
        wanted = _wanted(request, "function", body)

        async def answer(cache: SchemaCache) -> Response:
            plan = plan_call(cache, wanted)
            outcome = await self._run(request, identity, wanted, plan, body)
            return respond_read(wanted, plan, outcome)

        return await self.catalogue.serve(answer)

    def _identify(self, request: Request) -> Identity:
        return identify(request.headers, request.query_params, self.context.config)

    async def _run(
        self,
        request: Request,
        identity: Identity,
        wanted: Wanted,
        plan: Plan,
        body: Body | None,
    ) -> Outcome:
        """The statement and its checks in one transaction."""
        arguments = [body.text] if body and plan.takes_body else []
        async with self.context.database.acting_as(
            identity,
            readonly=plan.readonly,
            schema=wanted.name[0],
            method=request.method,
            path=request.url.path.removeprefix("/rest/v1"),
            headers=request.headers,
        ) as connection:
            if plan.reusable:
                row = await connection.fetchrow(plan.sql, *arguments)
            else:
                # Unnamed: a statement that holds values must not stay on the server.
                statement = await connection.prepare(plan.sql, name="")
                row = await statement.fetchrow(*arguments)
            outcome = Outcome(**dict(row or {}))
            check(wanted, outcome)
        return outcome


def rest_routes(service: RestService) -> list[BaseRoute]:
    methods = sorted(TABLE_METHODS | {"PUT"})
    return [
        Route("/rest/v1/rpc/{function}", explained(service.call), methods=methods),
        Route("/rest/v1/{table}", explained(service.table), methods=methods),
        Route("/rest/v1/", explained(_root), methods=methods),
    ]


async def _root(_: Request) -> Response:
    raise refusals.postgrest(
        "PGRST126", "Root endpoint metadata is disabled", status=404
    )


def _wanted(request: Request, parameter: str, body: Body | None) -> Wanted:
    headers = request.headers
    wanted = Wanted(
        method=request.method,
        name=(_schema(request), request.path_params[parameter]),
        query=request.url.query,
        preferences=parse_preferences(headers.get("prefer")),
        media=negotiate(headers.get("accept")),
        range=headers.get("range") if request.method in READS else None,
    )
    return wanted if body is None else dataclasses.replace(wanted, layout=body.layout)


def _schema(request: Request) -> str:
    """The profile asked for, the first exposed schema by default."""
    header = "accept-profile" if request.method in READS else "content-profile"
    schema = request.headers.get(header, EXPOSED_SCHEMAS[0])
    if schema not in EXPOSED_SCHEMAS:
        raise refusals.postgrest(
            "PGRST106",
            f"Invalid schema: {schema}",
            hint="Only the following schemas are exposed: "
            + ", ".join(EXPOSED_SCHEMAS),
            status=406,
        )
    return schema


async def _table_body(request: Request) -> Body:
    _refuse_content_type(request)
    columns = None
    if "columns=" in request.url.query:
        columns = parse_query(request.url.query).columns
    return read_body(await request.body(), columns)


def _refuse_content_type(request: Request) -> None:
    name = request.headers.get("content-type", "").partition(";")[0].strip()
    if name not in JSON_BODIES:
        raise refusals.postgrest(
            "PGRST102", f"Content-Type not acceptable: {name}", status=400
        )


def _refuse_method(request: Request, served: frozenset[str]) -> None:
    if request.method == "PUT":
        raise refusals.postgrest(
            "PGRST127",
            "Feature not implemented",
            "PUT is not served by the local gateway; POST with "
            "`Prefer: resolution=merge-duplicates` upserts.",
        )
    if request.method not in served:
        raise refusals.postgrest(
            "PGRST117", f"Unsupported HTTP method: {request.method}", status=405
        )
