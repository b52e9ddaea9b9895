"""Storage: buckets and objects, guarded by the policies on storage.objects.

The bytes are files named by the object's version, which its row holds. A file is
complete before its row is written and removed after its row is gone, so a crash leaves
at most a file nobody can see, never a row with half a file.

Image transformation, resumable uploads, S3, analytics and vectors are refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.routing import BaseRoute

from devstack.supabase.gateway.context import Context
from devstack.supabase.gateway.storage import (
    buckets,
    changes,
    downloads,
    listing,
    signing,
    uploads,
)
from devstack.supabase.gateway.storage.endpoints import Endpoints
from devstack.supabase.gateway.storage.files import Files

PREFIX = "/storage/v1"


def routes(context: Context) -> list[BaseRoute]:
    endpoints = Endpoints(context, PREFIX)
    # The order matters: "sign" and "list" would otherwise be names of buckets.
    buckets.serve(endpoints)
    signing.serve(endpoints)
    listing.serve(endpoints)
    changes.serve(endpoints)
    downloads.serve(endpoints)
    uploads.serve(endpoints)
    return endpoints.routes()


@asynccontextmanager
async def lifespan(context: Context) -> AsyncIterator[None]:
    Files(context.config.files_dir).forget_unfinished()
    yield
