"""Which of PostgREST's JSON forms an `Accept` header asks for."""

from __future__ import annotations

import dataclasses

from devstack.supabase.gateway import refusals

JSON = "application/json"
ARRAY = "application/vnd.pgrst.array+json"
OBJECT = "application/vnd.pgrst.object+json"
NULLS_STRIPPED = "nulls=stripped"
ANYTHING = frozenset({"*/*", "application/*"})


@dataclasses.dataclass(frozen=True, slots=True)
class Media:
    """`single` demands exactly one row; `stripped` leaves out keys that are null."""

    name: str = JSON
    single: bool = False
    stripped: bool = False

    @property
    def content_type(self) -> str:
        stripped = f";{NULLS_STRIPPED}" if self.stripped else ""
        return f"{self.name}{stripped}; charset=utf-8"


def negotiate(accept: str | None) -> Media:
    """The first form in `accept` that is served; raises Refusal PGRST107."""
    if not accept:
        return Media()
    for wanted in accept.split(","):
        name, *parameters = (part.strip() for part in wanted.split(";"))
        stripped = NULLS_STRIPPED in parameters
        if name in ANYTHING or name == JSON:
            return Media()
        if name in (OBJECT, "application/vnd.pgrst.object"):
            return Media(OBJECT, single=True, stripped=stripped)
        if name in (ARRAY, "application/vnd.pgrst.array"):
            return Media(ARRAY, stripped=True) if stripped else Media()
    raise refusals.postgrest(
        "PGRST107",
        f"None of these media types are available: {accept}",
        status=406,
    )
