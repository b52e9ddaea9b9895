"""What every row that an RPC of ours returns has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from connector.errors import SupabaseRefused


class Row(BaseModel):
    # A newer schema may return more columns than this connector knows.
    model_config = ConfigDict(extra="ignore", frozen=True)

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Raises SupabaseRefused for what our RPCs never return; it is not quoted."""
        try:
            return cls.model_validate(row)
        except ValidationError:
            raise SupabaseRefused(
                "Supabase answered what no RPC of ours returns: check SUPABASE_URL."
            ) from None
