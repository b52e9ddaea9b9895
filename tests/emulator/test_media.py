from __future__ import annotations

import io

from PIL import Image

from devstack.whatsapp import Person, WhatsApp
from devstack.whatsapp.wire.media import decrypt_media
from tests.emulator.client import neonize_jid
from tests.emulator.linked import Linked


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(file, "JPEG")
    return file.getvalue()


async def test_a_picture_is_downloaded_and_decrypted(ana: Linked, bob: Person) -> None:
    sent = await bob.sends_image(ana.person, jpeg(), "look")

    event = await ana.client.arrival(sent)

    assert event.Message.imageMessage.caption == "look"
    assert await ana.client.call("download_any", event.Message) == jpeg()


async def test_a_picture_is_encrypted_and_uploaded(
    whatsapp: WhatsApp, ana: Linked, friend: Person
) -> None:
    await ana.client.call("send_image", neonize_jid(friend.jid), jpeg(), "and you")

    heard = await friend.hears()
    image = heard.message.imageMessage
    blob = whatsapp.media.get(image.directPath)
    assert (image.caption, image.mimetype) == ("and you", "image/jpeg")
    assert decrypt_media(blob, image.mediaKey, "image") == jpeg()
