"""Files from WhatsApp's media host to Storage, and the same bytes by a plain program."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from typing import Final

from devstack.whatsapp import Letter, WhatsApp
from devstack.whatsapp.wire.media import MediaKind, encrypt_media
from devstack.whatsapp.wire.protobufs import E2E
from tests.benchmarks.figures import Figures
from tests.benchmarks.footprint import Footprint
from tests.benchmarks.scene import Scene

PATIENCE: Final = 120.0
HOST: Final = "https://mmg.whatsapp.net"
# What the first bytes of real files look like; the rest need not be one.
JPEG: Final = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
MP4: Final = bytes.fromhex("00000018667479706d703432000000006d70343269736f6d")


async def passage(scene: Scene) -> Figures:
    """Images and a video at once: first message said to last file stored."""
    files = [
        JPEG + secrets.token_bytes(scene.sizes.image_bytes)
        for _ in range(scene.sizes.images)
    ]
    video = MP4 + secrets.token_bytes(scene.sizes.video_bytes)
    megabytes = (sum(map(len, files)) + len(video)) / 1e6
    whatsapp = scene.stage.whatsapp
    letters = [image(whatsapp, data) for data in files] + [_video(whatsapp, video)]
    ids = [letter.whatsapp_id for letter in letters]
    processes = scene.processes_of(scene.first)
    async with Footprint.watched(**processes) as footprint:
        started = time.monotonic()
        for letter in letters:
            await scene.friend.sends(scene.owner, letter)
        await scene.files.until(ids, within=PATIENCE)
    rate = megabytes / (max(scene.files.committed[each] for each in ids) - started)
    plain = megabytes / await _plain_transfer(scene, letters)
    return {
        "media_mb_per_s": round(rate, 1),
        "media_plain_transfer_mb_per_s": round(plain, 1),
        "media_of_plain_transfer": round(rate / plain, 2),
        "media_extra_mb": round(sum(map(footprint.extra_mb, processes)), 1),
        "media_extra_supervisor_mb": round(footprint.extra_mb("supervisor"), 1),
        "media_extra_worker_mb": round(footprint.extra_mb("worker"), 1),
    }


def image(whatsapp: WhatsApp, data: bytes) -> Letter:
    message = E2E.Message(imageMessage=E2E.ImageMessage(mimetype="image/jpeg"))
    _attach(whatsapp, message.imageMessage, data, "image")
    return Letter(message=message, type="media", media_type="image")


def _video(whatsapp: WhatsApp, data: bytes) -> Letter:
    message = E2E.Message(videoMessage=E2E.VideoMessage(mimetype="video/mp4"))
    _attach(whatsapp, message.videoMessage, data, "video")
    return Letter(message=message, type="media", media_type="video")


def _attach(
    whatsapp: WhatsApp,
    part: E2E.ImageMessage | E2E.VideoMessage,
    data: bytes,
    kind: MediaKind,
) -> None:
    media = encrypt_media(data, kind)
    part.directPath = whatsapp.media.put(media.blob)
    part.URL = f"{HOST}{part.directPath}"
    part.mediaKey = media.media_key
    part.fileSHA256 = media.file_sha256
    part.fileEncSHA256 = media.file_enc_sha256
    part.fileLength = media.file_length


async def _plain_transfer(scene: Scene, letters: Sequence[Letter]) -> float:
    """The baseline, a process of its own as the connector is; takes so many seconds."""
    paths = [
        letter.message.imageMessage.directPath or letter.message.videoMessage.directPath
        for letter in letters
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.plain_transfer"),
        env={**os.environ, **scene.connector.settings},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    urls = [f"{HOST}{path}" for path in paths]
    told, _ = await process.communicate(json.dumps(urls).encode())
    return float(told)
