"""The Supabase project's part: reached, the right schema, closed doors, all three ways."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from connector.adapters.supabase.calls import lacking
from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.keys import SupabaseDeviceStateKeys
from connector.adapters.supabase.media import BUCKET, SupabaseFileStore
from connector.adapters.supabase.probes import SCHEMA
from connector.adapters.supabase.stored_files import SupabaseStoredFiles
from connector.adapters.supabase.wakeups import SupabaseWakeups
from connector.doctor.findings import Finding, bad, good, warning
from connector.domain.outgoing import StoredFile
from connector.errors import (
    ConnectorError,
    KeyRefused,
    OverQuota,
    SchemaMissing,
    SupabaseBusy,
    SupabasePaused,
    SupabaseUnavailable,
)
from connector.sealing import Sealer

# Tables that apps hear of by Realtime.
LISTENED_TO: Final = (
    *("wa_sessions", "wa_chats", "wa_messages"),
    *("wa_attachments", "wa_outbox"),
    *("wa_reactions", "wa_poll_votes", "wa_number_checks"),
)
SLOW: Final = 1.0
MOST_SKEW: Final = 5.0  # seconds: more confuses people who compare times
BELL_SECONDS: Final = 15.0
_PUSH: Final = "Run `supabase db push` with the migrations of this version."
_KEY: Final = (
    "Set SUPABASE_SECRET_KEY to a secret key of this very project (Settings, API keys)."
)
# Pushing does not help: what was applied once is not applied again.
_CLOSE: Final = (
    "Somebody changed it; change it back: enable row-level security on the table, revoke"
    " what anon was granted, make the bucket private."
)
_CURES: Final = {
    SupabaseBusy.code: "Look at what else asks so much of this project, and try again.",
    SupabasePaused.code: "Restore it; numbers stay online and spool meanwhile.",
    SchemaMissing.code: _PUSH,
    KeyRefused.code: _KEY,
    OverQuota.code: "Look at them in the dashboard; messages wait in the spool meanwhile.",
}
_UNREACHED: Final = "Check SUPABASE_URL, the network, and status.supabase.com."
_NO_BUCKET: Final = (
    f"Is there still a private bucket {BUCKET}? Otherwise make it anew. If there is, look at"
    " status.supabase.com: files wait, texts go on."
)
_REFUSED: Final = "Look the code up: it is Postgres' or Supabase's own."

Answer = Mapping[str, Any]


async def reached(client: SupabaseClient) -> tuple[Finding, Answer | None]:
    """Whether it answers us, and what it says."""
    began = time.monotonic()
    try:
        [answer] = await client.call("wa_doctor", {})
    except SupabaseUnavailable as error:
        return _unreachable(error), None
    except ConnectorError as error:
        cure = _CURES.get(error.code, _REFUSED)
        return bad("supabase", str(error), cure), None
    took = time.monotonic() - began
    sentence = f"It answers within {1000 * took:.0f} ms."
    if took > SLOW:
        cure = "Run the connector in your project's region."
        return warning("supabase", sentence, cure), answer
    return good("supabase", sentence), answer


def _unreachable(error: SupabaseUnavailable) -> Finding:
    sentence = str(error)  # paused, busy
    if type(error) is SupabaseUnavailable and error.__cause__ is not None:
        told = isinstance(error.__cause__, httpx.HTTPError)
        name = type(error.__cause__).__name__
        sentence = (
            f"It cannot be reached ({name})."
            if told
            else "Something answers at SUPABASE_URL, but not as Supabase does."
        )
    return bad("supabase", sentence, _CURES.get(error.code, _UNREACHED))


def schema(answer: Answer) -> Finding:
    told = answer["schema"]
    if missing := sorted(lacking(answer.get("calls") or {})):
        names = ", ".join(missing[:5]) + (", …" if missing[5:] else "")
        sentence = f"Functions are missing, or take other arguments: {names}."
        return bad("schema", sentence, _PUSH)
    if told == SCHEMA:
        return good("schema", f"It is version {SCHEMA}, as this connector needs.")
    cure = _PUSH if told < SCHEMA else "Deploy the newest connector."
    return bad("schema", f"It is version {told}; this connector needs {SCHEMA}.", cure)


def doors(answer: Answer) -> Finding:
    found = answer["open_doors"]
    if found:
        sentence = "; ".join(str(door) for door in found[:5]) + "."
        return bad("row-level security", sentence, _CLOSE)
    return good("row-level security", "It guards every table; anon may do nothing.")


def realtime_tables(answer: Answer) -> Finding:
    if answer["published"] == len(LISTENED_TO):
        return good("realtime tables", "Apps hear of every change.")
    return bad(
        "realtime tables",
        f"{answer['published']} of {len(LISTENED_TO)} are in the publication.",
        "Add what is missing to supabase_realtime (Database, Publications):"
        f" {', '.join(LISTENED_TO)}.",
    )


def clock(answer: Answer, now: datetime | None = None) -> Finding:
    here = now or datetime.now(UTC)
    apart = abs((here - datetime.fromisoformat(answer["now"])).total_seconds())
    if apart <= MOST_SKEW:
        return good("clock", f"It is {apart:.1f} s from the database's.")
    return warning(
        "clock",
        f"It is {apart:.0f} s from the database's.",
        "Switch time synchronisation on. Nothing is decided by it, but times mislead.",
    )


async def saved_states(client: SupabaseClient, sealer: Sealer) -> Finding:
    """Whether the numbers' saved keys can be opened: the keys' ids are asked, no more."""
    unknown = earlier = saved = 0
    configured = set(sealer.key_ids)
    try:
        async for state in SupabaseDeviceStateKeys(client).all():
            saved += 1
            unknown += not configured.issuperset(state.state_keys)
            earlier += set(state.state_keys) != {sealer.current_key}
    except ConnectorError as error:
        return bad("saved states", str(error), _PUSH)
    if unknown:
        return bad(
            "saved states",
            f"Of {unknown} of {saved} numbers the saved state is sealed with a key that"
            " is not configured: no machine with these keys can go on from it.",
            "Add the key of the other machines, or the earlier one, to WA_STATE_KEY,"
            " after a comma. If it is lost, these numbers have to be logged out and"
            " linked again.",
        )
    if not saved:
        return good("saved states", "No number has one yet.")
    if earlier:
        sentence = f"Those of {saved} numbers open, {earlier} with an earlier key only."
        return good("saved states", f"{sentence} `zapbase keys rotate` exchanges it.")
    return good("saved states", f"Those of {saved} numbers open with the first key.")


async def doorbell(url: str, key: str) -> Finding:
    """A broadcast that comes back: what wakes us when an app inserts a row."""
    wakeups, began = SupabaseWakeups(url, key), time.monotonic()
    listening = asyncio.create_task(wakeups.run())
    try:
        async with asyncio.timeout(BELL_SECONDS):
            while not wakeups.healthy:
                await wakeups.wait_sessions(BELL_SECONDS)
    except TimeoutError:
        return warning(
            "doorbell",
            f"Realtime did not ring within {BELL_SECONDS:.0f} s.",
            "Rows are found by polling meanwhile. Check that Realtime is on, and that "
            "private channels are allowed.",
        )
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return good(
        "doorbell", f"It rang after {1000 * (time.monotonic() - began):.0f} ms."
    )


async def storage(client: SupabaseClient) -> Finding:
    """A file there and back, and gone."""
    store, files = SupabaseFileStore(client), SupabaseStoredFiles(client)
    path, data = f"doctor/{secrets.token_hex(8)}.txt", secrets.token_hex(32).encode()
    try:
        await store.put(path, data, size=len(data), content_type="text/plain")
        async with files.open(StoredFile(bucket=BUCKET, path=path)) as content:
            back = b"".join([piece async for piece in content.pieces()])
        await store.remove([path])
    except ConnectorError as error:
        return bad("storage", str(error), _CURES.get(error.code, _NO_BUCKET))
    if back != data:
        return bad("storage", "A file came back changed.", "Look for a proxy between.")
    return good("storage", "A file went there and back, and is gone.")
