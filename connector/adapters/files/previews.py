"""Previews of links: what the page says of itself, and its picture made small.

A preview is a courtesy: whatever goes wrong, the message goes without it.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Final

from connector.adapters.files import page as pages
from connector.adapters.files.convert import job as jobs
from connector.adapters.files.page import Page
from connector.adapters.files.preparing import Preparing
from connector.adapters.files.scratch import MEGABYTE, Scratch, ScratchFolder
from connector.adapters.files.sources import Sources
from connector.adapters.files.web import Web
from connector.domain.outgoing import LinkPreview
from connector.errors import FileUnavailable, InvalidPayload

PAGE_WITHIN: Final = 5.0  # seconds, the page and its picture together
THUMBNAIL_WITHIN: Final = 5.0  # waiting for the child's turn included
LARGEST_PAGE: Final = 512 * 1024
LARGEST_PICTURE: Final = 4 * MEGABYTE
_PAGES: Final = ("text/html", "application/xhtml+xml")
_HEAD_ENDS: Final = b"</head"


class Previews:
    def __init__(
        self, web: Web, sources: Sources, scratch: ScratchFolder, preparing: Preparing
    ) -> None:
        self._web = web
        self._sources = sources
        self._scratch = scratch
        self._preparing = preparing

    async def of(self, url: str) -> LinkPreview | None:
        """See Files.preview."""
        with contextlib.suppress(InvalidPayload, FileUnavailable, TimeoutError):
            return await self._made(url)
        return None

    async def _made(self, url: str) -> LinkPreview | None:
        async with asyncio.timeout(PAGE_WITHIN) as limit:
            page = await self._page(url)
        if page is None:
            return None
        left = (limit.when() or 0.0) - asyncio.get_running_loop().time()
        return LinkPreview(
            url=url,
            title=page.title,
            description=page.description,
            thumbnail=await self._picture(page.image, left),
        )

    async def _page(self, url: str) -> Page | None:
        async with self._web.open(url, "text/html") as content:
            if content.mime_type not in _PAGES:
                return None
            html = bytearray()
            async for piece in content.pieces():
                html += piece
                if len(html) >= LARGEST_PAGE or _HEAD_ENDS in html:
                    break
            head = bytes(html[:LARGEST_PAGE])
            page = await asyncio.to_thread(pages.read, head, content.charset)
            if page is None or page.image is None:
                return page
            return replace(page, image=content.joined(page.image))

    async def _picture(self, image: str | None, within: float) -> bytes | None:
        if image is None:
            return None
        with (
            contextlib.suppress(InvalidPayload, FileUnavailable, TimeoutError),
            self._scratch.file(None, LARGEST_PICTURE) as picture,
        ):
            await self._sources.from_web(image, picture, within)
            return await self._thumbnail(picture)
        return None

    async def _thumbnail(self, picture: Scratch) -> bytes | None:
        async with asyncio.timeout(THUMBNAIL_WITHIN):
            with self._scratch.file(None, 0) as output:
                answer = await self._preparing.prepare(jobs.THUMBNAIL, picture, output)
        return answer.thumbnail
