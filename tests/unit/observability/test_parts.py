"""Each part of Supabase has a state of its own, and every change of it is said once."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest
from structlog.testing import capture_logs

from connector.adapters.supabase.measured import MeasuredClient
from connector.errors import SupabaseUnavailable
from connector.observability.parts import (
    BETWEEN_OTHERS,
    PROBE_EVERY,
    Part,
    SupabaseParts,
    check_schema,
    probe_storage,
)
from tests.fakes.clock import ManualClock

AWAY = SupabaseUnavailable.code


def told(lines: object) -> list[tuple[str, str, str | None]]:
    return [
        (line["event"].removeprefix("supabase part "), line["aspect"], line.get("code"))
        for line in lines  # type: ignore[attr-defined] # structlog's own
    ]


@pytest.fixture
def parts() -> SupabaseParts:
    return SupabaseParts(lambda: True, lambda: 0.0)


def test_three_failures_in_a_row_make_a_part_away_and_one_answer_brings_it_back(
    parts: SupabaseParts,
) -> None:
    with capture_logs() as lines:
        for outcome in (AWAY, AWAY, "ok", AWAY, AWAY):
            parts.answered("wa_store_batch", outcome, 0.1)
        assert parts.up(Part.REST)
        for _ in range(1000):
            parts.answered("wa_claim_sessions", AWAY, 0.1)
        assert parts.code(Part.REST) == AWAY
        assert parts.up(Part.STORAGE)
        parts.answered("wa_claim_sessions", "lease_lost", 0.1)

    assert parts.up(Part.REST)
    assert told(lines) == [("away", "rest", AWAY), ("back", "rest", None)]
    assert all(line["reason"] for line in lines if line["event"].endswith("away"))


def test_storage_is_a_part_of_its_own(parts: SupabaseParts) -> None:
    for _ in range(3):
        parts.answered("storage_write", AWAY, 0.1)
        parts.answered("wa_store_batch", "ok", 0.1)
    assert not parts.up(Part.STORAGE)

    parts.answered("storage_read", "ok", 0.1)

    assert parts.codes() == dict.fromkeys(Part, "ok")


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("supabase_key_refused", Part.AUTH),
        ("supabase_schema_missing", Part.SCHEMA),
        ("supabase_paused", Part.REST),
        ("supabase_over_quota", Part.REST),
    ],
)
def test_what_says_why_is_believed_at_once(
    parts: SupabaseParts, code: str, part: Part
) -> None:
    with capture_logs() as lines:
        for _ in range(5):
            parts.answered("wa_claim_sessions", code, 0.1)
        assert [each for each in Part if not parts.up(each)] == [part]
        parts.answered("wa_claim_sessions", "ok", 0.1)

    assert told(lines) == [("away", part, code), ("back", part, None)]


def test_what_storage_alone_says_of_our_key_is_storage_s_trouble(
    parts: SupabaseParts,
) -> None:
    with capture_logs() as lines:
        for _ in range(5):
            parts.answered("storage_write", "supabase_key_refused", 0.1)
            parts.answered("wa_claim_sessions", "ok", 0.1)

    assert told(lines) == [("away", "storage", "supabase_key_refused")]


def test_a_missing_function_stays_missing_though_others_answer(
    parts: SupabaseParts,
) -> None:
    parts.answered("wa_heartbeat", "supabase_schema_missing", 0.1)
    parts.answered("wa_claim_sessions", "ok", 0.1)
    assert not parts.up(Part.SCHEMA)

    parts.answered("wa_heartbeat", "ok", 0.1)
    assert parts.up(Part.SCHEMA)


def test_a_request_that_was_given_up_counts_only_if_it_had_its_time(
    parts: SupabaseParts,
) -> None:
    for _ in range(9):
        parts.answered("wa_renew_leases", "cancelled", 0.2)
    assert parts.up(Part.REST)

    for _ in range(3):
        parts.answered("wa_renew_leases", "cancelled", 8.0)
    assert parts.code(Part.REST) == AWAY


def test_while_supabase_is_away_leases_are_asked_for_and_little_else() -> None:
    now = 0.0
    parts = SupabaseParts(lambda: True, lambda: now)
    assert all(parts.may_ask("wa_store_batch") for _ in range(9))
    for _ in range(3):
        parts.answered("wa_store_batch", AWAY, 0.1)

    asked = [parts.may_ask("wa_store_batch") for _ in range(9)]
    assert asked == [True] + [False] * 8
    assert all(parts.may_ask("wa_claim_sessions") for _ in range(9))
    now = BETWEEN_OTHERS
    assert parts.may_ask("wa_exchange_outbox")
    assert not parts.may_ask("wa_store_batch")

    parts.answered("wa_renew_leases", "ok", 0.1)
    assert parts.may_ask("wa_store_batch")


async def test_what_is_spared_has_failed_and_costs_no_request() -> None:
    client = MeasuredClient(
        "http://127.0.0.1:1",
        "sb_secret_x",
        lambda *_: None,
        lambda call: call != "wa_store_batch",
        httpx.MockTransport(lambda _: httpx.Response(200, json=[])),
    )

    assert await client.call("wa_claim_sessions", {}) == []
    with pytest.raises(SupabaseUnavailable, match="Not asked"):
        await client.call("wa_store_batch", {})
    await client.aclose()


def test_a_silent_doorbell_means_polling() -> None:
    assert SupabaseParts(lambda: False).code(Part.REALTIME) == "polling"


async def test_storage_is_asked_only_while_it_is_away(parts: SupabaseParts) -> None:
    clock, asked = ManualClock(), 0

    async def ask() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise SupabaseUnavailable
        parts.answered("storage_read", "ok", 0.1)

    probing = asyncio.create_task(probe_storage(parts, ask, clock))
    await clock.advance(10 * PROBE_EVERY)
    assert asked == 0
    for _ in range(3):
        parts.answered("storage_write", AWAY, 0.1)
    await clock.advance(10 * PROBE_EVERY)

    assert asked == 2
    assert parts.up(Part.STORAGE)
    probing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await probing


async def test_a_schema_of_another_version_is_looked_at_until_it_is_right(
    parts: SupabaseParts,
) -> None:
    clock = ManualClock()
    answers: list[bool | SupabaseUnavailable] = [SupabaseUnavailable(), False, True]

    async def ask() -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    checking = asyncio.create_task(check_schema(parts, ask, clock))
    await clock.advance(PROBE_EVERY)
    assert parts.code(Part.SCHEMA) == "supabase_schema_missing"
    parts.answered("wa_claim_sessions", "ok", 0.1)
    assert not parts.up(Part.SCHEMA)
    await clock.advance(PROBE_EVERY)

    assert parts.up(Part.SCHEMA)
    await checking
