"""When a restart would help, and only then, `/healthz` says 503."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.domain.states import State
from connector.observability.health import Vitals, verdict

WELL = Vitals(
    version="1",
    loop_silent=0.4,
    zygote_gone=False,
    leases_unseen=9.0,
    look_every=15.0,
    stopping=False,
    sessions={State.CONNECTED: 2, State.PAIRING: 1},
    leases=3,
    left_to_others=0,
    supabase_away_since=None,
    supabase_refuses=False,
    parts={"rest": "ok", "storage": "ok"},
    doorbell=True,
)
SINCE = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_all_is_well() -> None:
    assert verdict(WELL) == (
        200,
        {
            "status": "ok",
            "version": "1",
            "sessions": {"connected": 2, "pairing": 1},
            "leases": 3,
            "left_to_others": 0,
            "supabase": {"state": "ok"},
            "parts": {"rest": "ok", "storage": "ok"},
            "doorbell": "ok",
        },
    )


@pytest.mark.parametrize(("refuses", "state"), [(False, "away"), (True, "refusing")])
def test_supabase_being_away_is_said_and_asks_for_no_restart(
    *, refuses: bool, state: str
) -> None:
    vitals = replace(
        WELL,
        supabase_away_since=SINCE,
        supabase_refuses=refuses,
        parts={"rest": "supabase_paused", "auth": "ok"},
        doorbell=False,
    )

    code, body = verdict(vitals)

    assert (code, body["status"], body["doorbell"]) == (200, "ok", "polling")
    assert body["supabase"] == {
        "state": state,
        "since": "2026-01-02T12:00:00+00:00",
        "reason": "supabase_paused",
    }


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"loop_silent": 31.0}, "event_loop_stuck"),
        ({"zygote_gone": True}, "zygote_gone"),
        ({"leases_unseen": 76.0}, "leases_not_looked_after"),
    ],
)
def test_what_a_restart_cures_is_503_unless_we_stop_anyway(
    fault: dict[str, Any], status: str
) -> None:
    broken = replace(WELL, **fault)

    code, body = verdict(broken)
    assert (code, body["status"]) == (503, status)
    code, body = verdict(replace(broken, stopping=True))
    assert (code, body["status"]) == (200, "stopping")
