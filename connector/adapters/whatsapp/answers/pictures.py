"""A profile picture, as neonize answers; the answer's id and address are hostile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connector.adapters.whatsapp.bounds import LONGEST_ID, clean
from connector.domain.look_ups import PictureAnswer, PictureState
from connector.errors import LookupRefusal, LookupRefused

LONGEST_URL: Final = 4_096


def answer(header: Mapping[str, Any], known_id: str | None) -> PictureAnswer:
    """Compare with what is known: neonize does not pass a known id on to WhatsApp."""
    picture_id = clean(header["picture_id"], LONGEST_ID)
    url = header["url"]
    if not picture_id or picture_id == known_id:
        # neonize answers with an empty picture where whatsmeow says "not modified".
        return PictureAnswer(state=PictureState.UNCHANGED, picture_id=known_id)
    if not url or len(url) > LONGEST_URL:
        raise LookupRefused(LookupRefusal.FAILED)
    return PictureAnswer(state=PictureState.SHOWN, picture_id=picture_id, url=url)


def answer_of_refusal(refusal: LookupRefused) -> PictureAnswer:
    """Having no picture, or hiding it, is an answer. Raises every other refusal."""
    match refusal.reason:
        case LookupRefusal.NOT_FOUND:
            return PictureAnswer(state=PictureState.NONE)
        case LookupRefusal.FORBIDDEN:
            return PictureAnswer(state=PictureState.HIDDEN)
        case _:
            raise refusal
