"""Profile pictures: from WhatsApp to the bucket, once each (docs/people.md).

Put, record, then remove the one before. Dying in between leaves at most a file that
nobody names; the picture is asked for again and takes its own place under the same name.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from connector.domain.look_ups import PictureState
from connector.ports import (
    DueLookup,
    FileStore,
    PeopleStore,
    PictureSource,
    SessionContext,
    SessionId,
    Worker,
)

_PLAIN: Final = re.compile(r"[0-9A-Za-z]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    people: PeopleStore
    source: PictureSource
    files: FileStore

    async def refresh(
        self, worker: Worker, context: SessionContext, due: DueLookup
    ) -> None:
        """Ask for one, and keep what it is.

        Raises LookupRefused, NotConnected, WorkerGone, FetchFailed and Supabase's.
        """
        answer = await worker.profile_picture(due.jid, due.picture_id)
        match answer.state:
            case PictureState.SHOWN if answer.picture_id and answer.url:
                content = await self.source.fetch(answer.url)
                path = picture_path(context.session_id, due, answer.picture_id)
                await self.files.put(
                    path, content, size=len(content), content_type="image/jpeg"
                )
                await self._record(context, due, answer.picture_id, path)
            case PictureState.NONE:
                await self._record(context, due, "", None)
            case _:
                await self._record(context, due, None, None)

    async def _record(
        self,
        context: SessionContext,
        due: DueLookup,
        picture_id: str | None,
        path: str | None,
    ) -> None:
        before = await self.people.record_picture(
            context.session_id,
            context.term,
            due.jid,
            picture_id=picture_id,
            path=path,
        )
        if before is not None and before != path:
            await self.files.remove([before])


def picture_path(session_id: SessionId, due: DueLookup, picture_id: str) -> str:
    """Where a picture is kept; WhatsApp's id never becomes a path as it is."""
    plain = _PLAIN.fullmatch(picture_id) is not None
    name = picture_id if plain else hashlib.sha256(picture_id.encode()).hexdigest()
    return f"{due.workspace_id}/{session_id}/avatars/{due.owner_id}/{name}.jpg"
