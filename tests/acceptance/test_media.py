"""Files open for members of the workspace, whole and as what they are, and for nobody else."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from devstack.app import Row
from devstack.whatsapp import SentMessage
from tests.acceptance.world import Linked


@pytest.fixture
def linked(number: Linked) -> Linked:
    return number


JPEG = (
    bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300") + b"\x10" * 64
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(word: str) -> bytes:
    """A file that begins like a JPEG, and is not the same twice."""
    return JPEG + word.encode() * 500 + b"\xff\xd9"


async def attachment(linked: Linked, sent: SentMessage, *states: str) -> Row:
    """A message's file, once it is in one of these states."""
    message = await linked.said(sent)
    inbox = await linked.world.inbox()

    async def look() -> Row | None:
        found = await inbox.rows(
            linked.app, "wa_attachments", "*", {"message_id": message["id"]}
        )
        return found[0] if found and found[0]["state"] in states else None

    return await linked.app.until(look)


async def test_a_picture_opens_for_members_only(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    data = picture("bolo")

    sent = await bob.sends_image(linked.owner, data, caption="o bolo")
    file = await attachment(linked, sent, "stored")

    row = await linked.said(sent)
    assert (row["kind"], row["body"]) == ("image", "o bolo")
    assert (file["mime_type"], file["size_bytes"]) == ("image/jpeg", len(data))
    inbox = await linked.world.inbox()
    opened = await inbox.file(linked.app, file["storage_path"])
    assert opened["status"] == 200
    assert opened["sha256"] == hashlib.sha256(data).hexdigest() == file["sha256"]
    assert opened["type"] == "image/jpeg"
    stranger = await linked.world.stranger()
    assert "refused" in await inbox.file(stranger, file["storage_path"])
    assert await inbox.rows(stranger, "wa_attachments", "*", {}) == []


async def test_a_voice_note_can_be_drawn_and_played(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    ogg = b"OggS\0\x02" + b"\0" * 22 + b"\x01\x13OpusHead\x01\x01" + b"\0" * 300

    sent = await bob.sends_voice(linked.owner, ogg, seconds=7, waveform=range(64))
    file = await attachment(linked, sent, "stored")

    assert (await linked.said(sent))["kind"] == "voice"
    assert file["duration_seconds"] == 7
    assert file["waveform"] == list(range(64))
    assert file["mime_type"].startswith("audio/ogg")


async def test_a_document_keeps_its_name_but_not_as_a_path(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "oi")

    sent = await bob.sends_document(
        linked.owner,
        packed.getvalue(),
        file_name="../../etc/preços 2026.zip",
        mime_type="application/pdf",
        caption="a tabela",
    )
    file = await attachment(linked, sent, "stored")

    row = await linked.said(sent)
    assert (row["kind"], row["body"]) == ("document", "a tabela")
    assert "/" not in file["file_name"]
    assert file["file_name"].endswith("preços 2026.zip")
    assert file["mime_type"] == "application/zip"
    workspace = linked.app.workspace_id
    assert file["storage_path"].startswith(f"{workspace}/{linked.session_id}/")
    assert file["id"] in file["storage_path"]


async def test_what_runs_in_a_browser_is_never_served_as_such(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.sends_document(
        linked.owner, SVG, file_name="logo.png", mime_type="image/png"
    )
    file = await attachment(linked, sent, "stored")

    inbox = await linked.world.inbox()
    opened = await inbox.file(linked.app, file["storage_path"])
    assert opened["type"].startswith("application/octet-stream")


async def test_the_same_file_is_fetched_once(linked: Linked) -> None:
    bob, carla = linked.world.somebody("Bob"), linked.world.somebody("Carla")
    data = picture("corrente")

    first = await bob.sends_image(linked.owner, data)
    stored = await attachment(linked, first, "stored")
    second = await carla.sends_image(linked.owner, data)
    again = await attachment(linked, second, "stored")

    assert again["storage_path"] == stored["storage_path"]
    assert [_fetched(linked, one) for one in (first, second)] == [1, 0]


def _fetched(linked: Linked, sent: SentMessage) -> int:
    """How often this message's file was asked for."""
    path, _, _ = sent.message.imageMessage.directPath.partition("?")
    requests = linked.world.stage.whatsapp.media.requests
    return sum(asked == path for _, asked in requests)


async def test_what_whatsapp_no_longer_has_is_expired(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.sends_image(linked.owner, picture("sumiu"), expired=True)
    file = await attachment(linked, sent, "expired")

    assert file["storage_path"] is None


async def test_what_does_not_match_its_hash_is_not_stored(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.sends_image(linked.owner, picture("falso"), forged=True)
    file = await attachment(linked, sent, "failed")

    assert (file["error_code"], file["storage_path"]) == ("wrong_hash", None)


async def test_a_failing_server_is_asked_again(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    linked.world.stage.whatsapp.media.fail_next(500)
    sent = await bob.sends_image(linked.owner, picture("depois"))

    await attachment(linked, sent, "stored")
