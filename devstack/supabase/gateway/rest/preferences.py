"""The `Prefer` header: how to answer, and what to do with duplicates and gaps."""

from __future__ import annotations

import dataclasses
import re

from devstack.supabase.gateway import refusals

CHOICES = {
    "return": ("representation", "minimal", "headers-only"),
    "count": ("exact", "planned", "estimated"),
    "resolution": ("merge-duplicates", "ignore-duplicates"),
    "missing": ("default", "null"),
    "handling": ("strict", "lenient"),
}
MAX_AFFECTED = re.compile(r"max-affected=([0-9]+)")


@dataclasses.dataclass(frozen=True, slots=True)
class Preferences:
    """`applied` is what to confirm, as `name=value`; counts are always exact."""

    returning: str = "minimal"
    count: bool = False
    resolution: str | None = None
    missing_default: bool = False
    max_affected: int | None = None
    applied: tuple[str, ...] = ()


def parse_preferences(header: str | None) -> Preferences:
    """The first of two contradicting preferences counts.

    Raises Refusal PGRST122 for an unknown one under `handling=strict`, PGRST127 for a
    timezone, which would change the answer.
    """
    if not header:
        return Preferences()
    given = [one.strip() for one in header.split(",") if one.strip()]
    chosen: dict[str, str] = {}
    unknown = []
    for preference in given:
        name, _, value = preference.partition("=")
        if value in CHOICES.get(name, ()) or MAX_AFFECTED.fullmatch(preference):
            chosen.setdefault(name, value)
        else:
            unknown.append(preference)
        if name == "timezone":
            raise refusals.postgrest(
                "PGRST127",
                "Feature not implemented",
                "Prefer: timezone is not served by the local gateway.",
            )
    strict = chosen.get("handling") == "strict"
    if strict and unknown:
        raise refusals.postgrest(
            "PGRST122",
            "Invalid preferences given with handling=strict",
            f"Invalid preferences: {', '.join(unknown)}",
        )
    if not strict:  # the limit only counts under strict handling
        chosen.pop("max-affected", None)
    return _from(chosen)


def _from(chosen: dict[str, str]) -> Preferences:
    limit = chosen.get("max-affected")
    return Preferences(
        returning=chosen.get("return", "minimal"),
        count="count" in chosen,
        resolution=chosen.get("resolution"),
        missing_default=chosen.get("missing") == "default",
        max_affected=int(limit) if limit else None,
        applied=tuple(f"{name}={value}" for name, value in chosen.items()),
    )
