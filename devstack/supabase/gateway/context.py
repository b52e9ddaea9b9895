"""What every part of the gateway is given."""

from __future__ import annotations

import dataclasses
from typing import Any

from devstack.supabase.gateway.config import GatewayConfig
from devstack.supabase.gateway.database import Database


@dataclasses.dataclass(slots=True, kw_only=True)
class Context:
    """`hub` and `catalogue` are set by the Realtime and REST parts."""

    config: GatewayConfig
    database: Database
    hub: Any = None
    catalogue: Any = None
