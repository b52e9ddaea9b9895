"""What `/healthz` says: 200 while no restart would make it better, else 503."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connector.domain.states import State
from connector.errors import SupabaseUnavailable
from connector.metrics import OK as OK_PART
from connector.observability.parts import Part

# Longer than a slow disk or a busy machine makes any turn of the loop.
LOOP_SILENT: Final = 30.0
# A look at the leases takes at most two answers, 8 s each, and the pause between looks.
LOOK_MARGIN: Final = 60.0

OK: Final = 200
BROKEN: Final = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Seconds, where nothing else is said."""

    version: str
    loop_silent: float
    zygote_gone: bool
    leases_unseen: float
    look_every: float  # how often leases are asked for at least
    stopping: bool
    sessions: Mapping[State, int]
    leases: int
    left_to_others: int  # sessions whose keys only other connectors can open
    supabase_away_since: datetime | None
    supabase_refuses: bool
    parts: Mapping[str, str]  # of Supabase: "ok", or an error's code
    doorbell: bool


def verdict(vitals: Vitals) -> tuple[int, Mapping[str, Any]]:
    """The HTTP status and the body. Supabase being away never asks for a restart."""
    fault = _fault(vitals)
    status = "stopping" if vitals.stopping else fault or "ok"
    code = BROKEN if fault and not vitals.stopping else OK
    return code, {
        "status": status,
        "version": vitals.version,
        "sessions": {state.value: n for state, n in sorted(vitals.sessions.items())},
        "leases": vitals.leases,
        "left_to_others": vitals.left_to_others,
        "supabase": _supabase(vitals),
        "parts": dict(vitals.parts),
        "doorbell": "ok" if vitals.doorbell else "polling",
    }


def _fault(vitals: Vitals) -> str | None:
    if vitals.loop_silent > LOOP_SILENT:
        return "event_loop_stuck"
    if vitals.zygote_gone:
        return "zygote_gone"
    if vitals.leases_unseen > vitals.look_every + LOOK_MARGIN:
        return "leases_not_looked_after"
    return None


def _supabase(vitals: Vitals) -> Mapping[str, str]:
    if vitals.supabase_away_since is None:
        return {"state": "ok"}
    state = "refusing" if vitals.supabase_refuses else "away"
    return {
        "state": state,
        "since": vitals.supabase_away_since.isoformat("T", "seconds"),
        "reason": _reason(vitals.parts),
    }


def _reason(parts: Mapping[str, str]) -> str:
    """The code of what keeps leases from being asked for."""
    told = (parts.get(part, OK_PART) for part in (Part.AUTH, Part.REST, Part.SCHEMA))
    return next((code for code in told if code != OK_PART), SupabaseUnavailable.code)
