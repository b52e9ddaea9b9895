"""Files: a row with the message, fetched by one connector at a time, each end told once."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.database.files import (
    KEY,
    attachment,
    claim_media,
    files,
    finish_media,
    picture,
    receive,
    sha256,
    states,
    stored,
)
from tests.database.scene import Connection, Database, Session, claim, expire


def paths(claimed: list[asyncpg.Record]) -> list[str]:
    return [row["direct_path"] for row in claimed]


async def let_wait_be_over(connection: Connection) -> None:
    await connection.execute(
        "update wa_private.attachment_keys set next_attempt_at = now(),"
        " leased_until = least(leased_until, now())"
    )


# --- How they come in -----------------------------------------------------------------


async def test_a_message_has_its_file_at_once_pending(
    leased: Session, service: Connection
) -> None:
    await receive(service, leased, picture("A"))
    await receive(service, leased, picture("A"))

    file = (await files(service))["A"]
    assert (file["state"], file["storage_path"], file["sha256"]) == (
        "pending",
        None,
        None,
    )
    assert (file["mime_type"], file["file_name"]) == ("image/claimed", "a/../b.jpg")
    assert (file["size_bytes"], file["width"], file["height"]) == (100, 3, 2)
    assert (file["duration_seconds"], file["waveform"]) == (None, None)


async def test_a_placeholder_gets_its_file_when_it_can_be_read(
    leased: Session, service: Connection
) -> None:
    unreadable = picture("A") | {"kind": "undecryptable", "attachment": None}
    await receive(service, leased, unreadable)
    assert await files(service) == {}

    await receive(service, leased, picture("A"))

    assert await states(service) == {"A": "pending"}


async def test_what_a_sender_claims_is_bounded(
    leased: Session, service: Connection
) -> None:
    absurd: dict[str, Any] = {
        "size_bytes": 2**64,
        "width": 2**40,
        "height": -5,
        "duration_seconds": 1e12,
        "waveform": [-300, 70000, 50] * 40,
        "file_name": "x" * 5000,
        "mime_type": "y" * 5000,
        "thumbnail": "data:image/jpeg;base64," + "A" * 300_000,
    }
    await receive(service, leased, picture("A", **absurd))

    file = (await files(service))["A"]
    assert (file["size_bytes"], file["width"]) == (2**63 - 1, 2**31 - 1)
    assert file["height"] is None
    assert file["duration_seconds"] == 999_999
    assert file["waveform"][:4] == [0, 100, 50, 0]
    assert len(file["waveform"]) == 64
    assert (len(file["file_name"]), len(file["mime_type"])) == (255, 255)
    assert file["thumbnail"] is None


async def test_a_file_without_what_it_takes_to_fetch_it_fails_alone(
    leased: Session, service: Connection
) -> None:
    await receive(service, leased, picture("A", media_key=None), picture("B"))

    assert paths(await claim_media(service, leased)) == ["/v/B"]
    assert (await files(service))["A"]["error_code"] == "incomplete"


# --- Claims ---------------------------------------------------------------------------


async def test_a_claim_brings_what_it_takes_newest_first(
    leased: Session, service: Connection
) -> None:
    await receive(
        service,
        leased,
        picture("A", second=1),
        picture("B", second=3),
        picture("C", second=2),
    )

    claimed = await claim_media(service, leased, limit=2)

    assert paths(claimed) == ["/v/B", "/v/C"]
    first = dict(claimed[0])
    assert first["media_key"] == KEY
    assert first["file_sha256"] == sha256("B")
    assert first["file_enc_sha256"] == attachment("B")["file_enc_sha256"]
    assert (first["media_type"], first["attempts"]) == ("image", 1)
    assert str(first["workspace_id"]) == leased.workspace_id
    assert first["message_sent_at"].isoformat() == "2026-01-02T12:00:03+00:00"


async def test_nobody_gets_a_claimed_file_until_the_claim_is_over(
    leased: Session, service: Connection
) -> None:
    await receive(service, leased, picture("A"))

    assert len(await claim_media(service, leased)) == 1
    assert await claim_media(service, leased) == []

    await let_wait_be_over(service)

    assert (await claim_media(service, leased))[0]["attempts"] == 2


async def test_a_connector_that_lost_its_lease_no_longer_fetches(
    database: Database, leased: Session, service: Connection
) -> None:
    await receive(service, leased, picture("A"))
    (old,) = await claim_media(service, leased)
    await expire(database, leased.id)
    assert await claim(service, "connector-b") == {leased.id: 2}

    assert paths(await claim_media(service, leased, term=2)) == ["/v/A"]
    with pytest.raises(asyncpg.PostgresError, match="lease lost"):
        await finish_media(service, leased, stored(old, "A"), term=1)
    assert await states(service) == {"A": "pending"}


async def test_two_claims_at_once_share_no_file(
    database: Database, leased: Session, service: Connection
) -> None:
    await receive(service, leased, *(picture(f"M{n}") for n in range(40)))

    async def all_there_are() -> list[str]:
        mine: list[str] = []
        async with database.as_service() as connection:
            while more := await claim_media(connection, leased, limit=3):
                mine += paths(more)
        return mine

    a, b = await asyncio.gather(all_there_are(), all_there_are())

    rest = paths(await claim_media(service, leased, limit=40))
    assert sorted(a + b + rest) == sorted(f"/v/M{n}" for n in range(40))


async def test_claims_at_once_take_turns_and_never_the_same_file(
    database: Database, leased: Session, service: Connection
) -> None:
    await receive(service, leased, picture("A"), picture("B"))
    async with database.as_service() as a, database.as_service() as b:
        async with a.transaction():
            first = await claim_media(a, leased, limit=1)
            waiting = asyncio.create_task(claim_media(b, leased))
        second = await waiting

    assert len(first) == 1
    assert sorted(paths(first) + paths(second)) == ["/v/A", "/v/B"]


async def test_what_is_too_large_is_never_fetched(
    leased: Session, service: Connection
) -> None:
    await receive(
        service, leased, picture("A", size_bytes=1001), picture("B", size_bytes=1000)
    )

    assert paths(await claim_media(service, leased)) == ["/v/B"]
    file = (await files(service))["A"]
    assert (file["state"], file["size_bytes"]) == ("too_large", 1001)


async def test_another_sessions_files_are_its_own(
    database: Database, leased: Session, service: Connection
) -> None:
    await receive(service, leased, picture("A"))
    other = await database.session()
    await claim(service, "connector-a", held=[leased.id])

    assert await claim_media(service, other) == []
    (claimed,) = await claim_media(service, leased)
    assert await finish_media(service, other, stored(claimed, "A")) == 0
    assert await states(service) == {"A": "pending"}


# --- Equal files ----------------------------------------------------------------------


async def test_equal_files_are_fetched_once_and_share_it(
    leased: Session, service: Connection
) -> None:
    await receive(
        service,
        leased,
        picture("A", content="cat", second=2),
        picture("B", content="cat", second=1),
    )

    (claimed,) = await claim_media(service, leased)
    await finish_media(service, leased, stored(claimed, "cat"))
    await receive(service, leased, picture("C", content="cat"))

    assert await claim_media(service, leased) == []
    shared = await files(service)
    assert {name: row["state"] for name, row in shared.items()} == dict.fromkeys(
        "ABC", "stored"
    )
    assert len({row["storage_path"] for row in shared.values()}) == 1
    assert {row["mime_type"] for row in shared.values()} == {"image/jpeg"}
    assert {row["sha256"] for row in shared.values()} == {sha256("cat")}


async def test_an_equal_file_has_its_turn_when_the_other_has_expired(
    leased: Session, service: Connection
) -> None:
    await receive(
        service,
        leased,
        picture("A", content="cat", second=2, direct_path="/new"),
        picture("B", content="cat", second=1, direct_path="/old"),
    )
    (first,) = await claim_media(service, leased)
    await finish_media(service, leased, {"id": str(first["id"]), "state": "expired"})

    assert paths(await claim_media(service, leased)) == ["/old"]


async def test_equal_files_of_two_sessions_are_two_files(
    database: Database, leased: Session, service: Connection
) -> None:
    other = await database.session()
    assert await claim(service, "connector-a", held=[leased.id]) == {other.id: 1}
    for session in (leased, other):
        await receive(service, session, picture("A", content="cat"))
    (claimed,) = await claim_media(service, leased)
    await finish_media(service, leased, stored(claimed, "cat"))

    assert len(await claim_media(service, other)) == 1


# --- Ends -----------------------------------------------------------------------------


async def test_what_was_found_counts_not_what_was_claimed(
    leased: Session, service: Connection
) -> None:
    await receive(service, leased, picture("A"))
    (claimed,) = await claim_media(service, leased)

    assert await finish_media(service, leased, stored(claimed, "A", width=640)) == 1

    file = (await files(service))["A"]
    assert (file["state"], file["mime_type"], file["size_bytes"]) == (
        "stored",
        "image/jpeg",
        99,
    )
    assert (file["width"], file["height"]) == (640, 2)
    assert file["storage_path"] == "w/s/2026/01/A.jpg"
    assert file["file_name"] == "a/../b.jpg"


@pytest.mark.parametrize("state", ["failed", "expired", "too_large"])
async def test_an_end_is_an_end(
    leased: Session, service: Connection, state: str
) -> None:
    await receive(service, leased, picture("A"))
    (claimed,) = await claim_media(service, leased)
    end = {"id": str(claimed["id"]), "state": state, "error_code": "because"}

    assert await finish_media(service, leased, end) == 1
    assert await finish_media(service, leased, end) == 0
    assert await finish_media(service, leased, stored(claimed, "A")) == 0
    await let_wait_be_over(service)

    assert await claim_media(service, leased) == []
    file = (await files(service))["A"]
    assert (file["state"], file["error_code"]) == (state, "because")


async def test_what_is_to_be_tried_again_waits(
    leased: Session, service: Connection
) -> None:
    await receive(service, leased, picture("A"))
    (claimed,) = await claim_media(service, leased)
    again = {"id": str(claimed["id"]), "state": "pending", "error_code": "timeout"}
    await finish_media(service, leased, again | {"retry_after_seconds": 60})

    assert await claim_media(service, leased) == []
    assert (await files(service))["A"]["error_code"] == "timeout"

    await let_wait_be_over(service)

    assert (await claim_media(service, leased))[0]["attempts"] == 2


async def test_what_is_given_back_unbegun_costs_no_attempt(
    leased: Session, service: Connection
) -> None:
    await receive(service, leased, picture("A"))
    (claimed,) = await claim_media(service, leased)
    unbegun = {"id": str(claimed["id"]), "state": "pending", "begun": False}
    await finish_media(service, leased, unbegun)

    assert (await claim_media(service, leased))[0]["attempts"] == 1


async def test_a_word_about_a_file_in_hand_ends_no_claim(
    leased: Session, service: Connection
) -> None:
    """Otherwise each equal file would be fetched as well while Storage is away."""
    equal = (picture(name, content="cat") for name in "AB")
    await receive(service, leased, *equal)
    (claimed,) = await claim_media(service, leased)
    word = {"state": "pending", "error_code": "upload_failed", "held": True}
    await finish_media(service, leased, {"id": str(claimed["id"])} | word)

    assert await claim_media(service, leased) == []
    assert {row["error_code"] for row in (await files(service)).values()} == {
        "upload_failed",
        None,
    }
    await finish_media(service, leased, stored(claimed, "cat"))
    assert set((await states(service)).values()) == {"stored"}


async def test_results_of_rows_that_are_gone_or_states_unknown_change_nothing(
    leased: Session, service: Connection
) -> None:
    await receive(service, leased, picture("A"))
    (claimed,) = await claim_media(service, leased)
    nobody = "00000000-0000-0000-0000-000000000000"

    assert await finish_media(service, leased, {"id": nobody, "state": "failed"}) == 0
    assert (
        await finish_media(service, leased, stored(claimed, "A", state="flying")) == 0
    )
    assert await states(service) == {"A": "pending"}


async def test_two_results_at_once_end_alike(
    database: Database, leased: Session, service: Connection
) -> None:
    await receive(
        service, leased, *(picture(f"M{n}", content=f"{n % 3}") for n in range(12))
    )
    claimed = await claim_media(service, leased)
    results = [stored(row, row["direct_path"].removeprefix("/v/")) for row in claimed]
    assert len(results) == 3

    async with database.as_service() as a, database.as_service() as b:
        counts = await asyncio.gather(
            finish_media(a, leased, *results),
            finish_media(b, leased, *reversed(results)),
        )

    assert sum(counts) == 3
    assert set((await states(service)).values()) == {"stored"}
    assert len({row["storage_path"] for row in (await files(service)).values()}) == 3
