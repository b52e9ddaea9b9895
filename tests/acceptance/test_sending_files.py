"""Files that an app sends: from its Storage, from the web, from the row; whole on the other phone."""

from __future__ import annotations

import base64
import hashlib
import io

import av
import pytest
from PIL import Image
from postgrest.exceptions import APIError

from devstack.app import Row
from devstack.whatsapp.wire.protobufs import E2E
from tests.acceptance.sounds import tone
from tests.acceptance.world import Linked


@pytest.fixture
def linked(number: Linked) -> Linked:
    return number


def photo(colour: str = "red") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(made, "JPEG")
    return made.getvalue()


PDF = b"%PDF-1.4\n" + b"1 0 obj<<>>endobj\n" * 200 + b"%%EOF\n"


async def test_a_photo_from_storage_is_shown_at_once_and_arrives_byte_for_byte(
    linked: Linked,
) -> None:
    bob, data = linked.world.somebody("Bob"), photo()
    path = await linked.uploads("bolo.jpg", data, "image/jpeg")

    row_id = await linked.inserts(
        "image", {"storage_path": path, "caption": "o bolo"}, to=bob.number
    )
    pending = await linked.shown("wa_messages", id=await _message_of(linked, row_id))
    file = await _file_of(linked, pending)
    heard = await bob.hears()
    await linked.app.outbox_is(row_id, "delivered")

    image = heard.message.imageMessage
    assert await bob.opens(heard) == data
    assert (image.caption, image.mimetype) == ("o bolo", "image/jpeg")
    assert (image.width, image.height) == (640, 480)
    assert Image.open(io.BytesIO(image.JPEGThumbnail)).format == "JPEG"
    assert image.fileSHA256 == hashlib.sha256(data).digest()
    assert (file["state"], pending["body"]) == ("stored", "o bolo")
    assert file["storage_path"] == path


async def test_a_voice_note_plays_as_one_whatever_was_recorded(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    path = await linked.uploads("recado.mp3", tone("mp3", seconds=2), "audio/mpeg")

    await linked.inserts("voice", {"storage_path": path}, to=bob.number)
    heard = await bob.hears()

    voice = heard.message.audioMessage
    assert voice.PTT
    assert voice.mimetype == "audio/ogg; codecs=opus"
    assert voice.seconds == 2
    assert len(voice.waveform) == 64
    assert max(voice.waveform) <= 100
    with av.open(io.BytesIO(await bob.opens(heard))) as sound:
        [stream] = sound.streams
        assert stream.codec_context.name in ("opus", "libopus")
        assert isinstance(stream, av.AudioStream)
        assert stream.layout.name == "mono"


async def test_a_document_keeps_its_name_and_its_bytes(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    path = await linked.uploads("x1.pdf", PDF, "application/pdf")
    payload = {
        "storage_path": path,
        "file_name": "Orçamento 2026.pdf",
        "caption": "segue",
    }

    await linked.inserts("document", payload, to=bob.number)
    heard = await bob.hears()

    document = _document(heard.message)
    assert await bob.opens(heard) == PDF
    assert document.fileName == "Orçamento 2026.pdf"
    assert document.mimetype == "application/pdf"
    assert document.caption == "segue"


async def test_a_small_file_may_come_with_the_row_and_is_kept(linked: Linked) -> None:
    bob, data = linked.world.somebody("Bob"), photo("blue")
    payload = {"base64": base64.b64encode(data).decode()}

    row_id = await linked.inserts("image", payload, to=bob.number)
    heard = await bob.hears()
    row = await linked.shown("wa_messages", id=await _message_of(linked, row_id))
    file = await linked.app.row_where(
        "wa_attachments", lambda one: one["state"] == "stored", message_id=row["id"]
    )

    assert await bob.opens(heard) == data
    assert await linked.app.opens(file["storage_path"]) == data


async def test_one_file_for_many_people_is_uploaded_once(linked: Linked) -> None:
    world = linked.world
    path = await linked.uploads("promo.jpg", photo("green"), "image/jpeg")
    first, *others = people = [world.somebody(f"P{n}") for n in range(4)]
    uploads = world.stage.whatsapp.media.uploads
    before = len(uploads)

    # Two are prepared at once, and neither waits for what the other uploads.
    row_id = await linked.inserts("image", {"storage_path": path}, to=first.number)
    await linked.app.outbox_is(row_id, "delivered")
    for person in others:
        await linked.inserts("image", {"storage_path": path}, to=person.number)
    heard = [await person.hears() for person in people]

    assert len({each.message.imageMessage.directPath for each in heard}) == 1
    assert len(uploads) == before + 1


async def test_a_group_sees_the_picture_and_it_can_be_forwarded(linked: Linked) -> None:
    world, data = linked.world, photo("black")
    bob, carla, davi = (world.somebody(n) for n in ("Bob", "Carla", "Davi"))
    team = world.stage.whatsapp.group("Time", linked.owner, [bob, carla])
    path = await linked.uploads("foto.jpg", data, "image/jpeg")

    row_id = await linked.inserts("image", {"storage_path": path}, to=str(team.jid))
    heard = [await bob.hears(), await carla.hears()]
    sent = await linked.app.outbox_is(row_id, "delivered")
    await linked.inserts("forward", {"message_id": sent["message_id"]}, to=davi.number)
    forwarded = await davi.hears()

    assert [await bob.opens(heard[0]), await carla.opens(heard[1])] == [data, data]
    assert await davi.opens(forwarded) == data
    # As phones do: passing on one's own words is not called forwarding.
    assert not forwarded.message.imageMessage.contextInfo.isForwarded


async def test_what_cannot_be_sent_fails_by_name_and_the_next_row_goes(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    text_as_image = await linked.uploads("nota.jpg", b"nada " * 400, "image/jpeg")

    wrong = await linked.inserts(
        "image", {"storage_path": text_as_image}, to=bob.number
    )
    private = await linked.inserts(
        "image", {"url": "https://169.254.169.254/latest/meta-data"}, to=bob.number
    )
    after = await linked.sends(bob.number, "em seguida")
    failed = await linked.app.outbox_is(wrong, "failed")
    refused = await linked.app.outbox_is(private, "failed")
    await linked.app.outbox_is(after, "delivered")

    assert failed["error_code"] == "media_unsupported"
    assert refused["error_code"] == "url_not_allowed"
    assert [heard.text for heard in bob.heard] == ["em seguida"]
    [row] = await linked.app.rows("wa_messages", id=failed["message_id"])
    assert row["status"] == "failed"


async def test_nobody_sends_a_file_they_may_not_read(linked: Linked) -> None:
    stranger = await linked.world.stranger()
    path = await linked.uploads("contrato.pdf", PDF, "application/pdf")
    theirs = await stranger.adds_number("Theirs")
    row = {
        "session_id": theirs,
        "to": "5511999999999",
        "kind": "document",
        "payload": {"storage_path": path},
    }

    with pytest.raises(APIError, match="storage_path"):
        await stranger.client.table("wa_outbox").insert(row).execute()


def _document(message: E2E.Message) -> E2E.DocumentMessage:
    if message.HasField("documentWithCaptionMessage"):
        return message.documentWithCaptionMessage.message.documentMessage
    return message.documentMessage


async def _message_of(linked: Linked, row_id: str) -> str:
    return str((await linked.app.outbox(row_id))["message_id"])


async def _file_of(linked: Linked, message: Row) -> Row:
    return await linked.app.row_where(
        "wa_attachments", lambda _: True, message_id=message["id"]
    )
