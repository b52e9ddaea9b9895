"""What every row that an RPC of ours returns has in common."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from connector.errors import SupabaseRefused


def _decoded(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None


Bytes = Annotated[bytes, BeforeValidator(_decoded)]


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
