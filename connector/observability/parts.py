"""Which parts of Supabase answer us, as each request tells; said once a change.

    rest      Postgres, by its Data API
    storage   files
    realtime  the doorbell; without it we poll
    auth      our key is taken
    schema    everything that we call is there

One request that fails says little: three in a row, or an answer that says why, make a part
away, and one that succeeds brings it back. Until then requests in vain are spared: each
number has half a dozen of them to make.
"""

from __future__ import annotations

import contextlib
import enum
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from connector.errors import (
    ConnectorError,
    KeyRefused,
    OverQuota,
    SchemaMissing,
    SupabaseBusy,
    SupabasePaused,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.metrics import OK
from connector.ports import Clock

FAILURES: Final = 3
LONG: Final = 5.0  # seconds; a request that was given up earlier proves nothing
PROBE_EVERY: Final = 30.0
STORAGE_CALLS: Final = "storage_"
POLLING: Final = "polling"
# What is asked whatever happens: it finds out first that Supabase is back.
LIFELINES: Final = frozenset(
    f"wa_{call}"
    for call in (
        *("claim_sessions", "renew_leases", "release_leases"),
        *("heartbeat", "sign_off"),
    )
)
BETWEEN_OTHERS: Final = 1.0  # should these alone be refused

log = structlog.get_logger()


class Part(enum.StrEnum):
    REST = "rest"
    STORAGE = "storage"
    REALTIME = "realtime"
    AUTH = "auth"
    SCHEMA = "schema"


# What each code is about, when it is not about what was asked, and how it is cured.
_ABOUT: Final = {KeyRefused.code: Part.AUTH, SchemaMissing.code: Part.SCHEMA}
_AT_ONCE: Final = frozenset({SupabasePaused.code, OverQuota.code, *_ABOUT})
_LATER: Final = frozenset(
    {SupabaseUnavailable.code, SupabaseBusy.code, SupabaseRefused.code}
)
_CURES: Final[Mapping[str, str]] = {
    SupabaseUnavailable.code: "nothing to do if it comes back: status.supabase.com",
    SupabaseBusy.code: "look at what else asks so much of this project",
    SupabasePaused.code: "restore the project in its dashboard",
    SupabaseRefused.code: "look at the other lines, and run zapbase doctor",
    KeyRefused.code: "set SUPABASE_SECRET_KEY to a secret key of this project, restart",
    SchemaMissing.code: "run supabase db push with the migrations of this version",
    OverQuota.code: "look at the project's usage, disk and bills",
}


@dataclass(slots=True)
class _Record:
    code: str = OK
    failures: int = 0
    since: float = 0.0


class SupabaseParts:
    """Written by the event loop, read by any thread."""

    def __init__(
        self, doorbell: Callable[[], bool], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._doorbell = doorbell  # it says itself, in the log, when it is silent
        self._now = now
        self._records = {part: _Record() for part in Part}
        self._missing: set[str] = set()  # calls
        self._others_at = 0.0

    def may_ask(self, call: str) -> bool:
        """Whether an RPC is worth a request now, or is as good as failed."""
        if call in LIFELINES or (self.up(Part.REST) and self.up(Part.AUTH)):
            return True
        now = self._now()
        if now < self._others_at:
            return False
        self._others_at = now + BETWEEN_OTHERS
        return True

    def up(self, part: Part) -> bool:
        return self.code(part) == OK

    def code(self, part: Part) -> str:
        """`ok`, or why it does not work."""
        if part is Part.REALTIME:
            return OK if self._doorbell() else POLLING
        return self._records[part].code

    def codes(self) -> dict[str, str]:
        return {part.value: self.code(part) for part in Part}

    def answered(self, call: str, outcome: str, seconds: float) -> None:
        """Hear of a request: an RPC's name, or storage's; `ok` or an error's code."""
        part = Part.STORAGE if call.startswith(STORAGE_CALLS) else Part.REST
        if outcome == SchemaMissing.code and part is Part.REST:
            self._missing.add(call)
        if outcome in _AT_ONCE:
            # What Storage alone says of our key is Storage's trouble: REST is asked more.
            about = _ABOUT.get(outcome, part) if part is Part.REST else part
            self._fails(about, outcome, enough=1)
        elif outcome in _LATER:
            self._fails(part, outcome, enough=FAILURES)
        elif outcome in ("cancelled", "failed"):
            if seconds > LONG:
                self._fails(part, SupabaseUnavailable.code, enough=FAILURES)
        else:
            self._works(part, call)

    def schema_is(self, *, right: bool) -> None:
        """Hear whether the project's migrations are this version's."""
        if right:
            self._works(Part.REST, "schema")
        else:
            self._missing.add("schema")
            self._fails(Part.SCHEMA, SchemaMissing.code, enough=1)

    def _works(self, part: Part, call: str) -> None:
        """Whatever else an answer says: they are there, and our key was taken."""
        self._back(part)
        if part is Part.STORAGE:
            return
        self._back(Part.AUTH)
        self._missing.discard(call)
        if not self._missing:
            self._back(Part.SCHEMA)

    def _fails(self, part: Part, code: str, *, enough: int) -> None:
        record = self._records[part]
        record.failures += 1
        if record.failures < enough or record.code == code:
            return
        if record.code == OK:
            record.since = self._now()
        record.code = code
        log.warning(
            "supabase part away", aspect=part.value, code=code, reason=_CURES[code]
        )

    def _back(self, part: Part) -> None:
        record = self._records[part]
        record.failures = 0
        if record.code != OK:
            record.code = OK
            away = round(self._now() - record.since, 1)
            log.info("supabase part back", aspect=part.value, seconds=away)


async def probe_storage(
    parts: SupabaseParts, ask: Callable[[], Awaitable[None]], clock: Clock
) -> None:
    """Ask Storage while it is away: no file may be waiting that would. Never ends."""
    while True:
        await clock.sleep(PROBE_EVERY)
        if not parts.up(Part.STORAGE):
            # What comes of it is heard of by whoever measures requests.
            with contextlib.suppress(ConnectorError):
                await ask()


async def check_schema(
    parts: SupabaseParts, ask: Callable[[], Awaitable[bool]], clock: Clock
) -> None:
    """Look until the migrations are the right ones: for this start they stay so."""
    while True:
        with contextlib.suppress(ConnectorError):
            right = await ask()
            parts.schema_is(right=right)
            if right:
                return
        await clock.sleep(PROBE_EVERY)
