"""What businesses send to be tapped on, and the taps that come back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connector.adapters.whatsapp.reading.content import media
from connector.adapters.whatsapp.reading.content.said import (
    INTERACTIVE,
    INTERACTIVE_REPLY,
    Said,
    given,
    line,
    link,
    present,
    with_text,
)
from connector.domain.messages import Json

_MOST_CHOICES: Final = 64
_LONGEST_PARAMETERS: Final = 16_384  # characters: a button's own, or a whole list
_FILES: Final = {
    "imageMessage": "image",
    "videoMessage": "video",
    "documentMessage": "document",
}


def buttons(part: Any) -> Said:
    choices = [
        given(id=line(one.buttonID), text=line(one.buttonText.displayText))
        for one in part.buttons[:_MOST_CHOICES]
    ]
    return _offer(part.contentText, part.text, part.footerText, choices, part)


def choices(part: Any) -> Said:
    """A list to choose from: the rows of all its sections."""
    rows = [
        given(
            id=line(row.rowID),
            text=line(row.title),
            description=line(row.description),
        )
        for section in part.sections[:_MOST_CHOICES]
        for row in section.rows[:_MOST_CHOICES]
    ]
    return _offer(part.description, part.title, part.footerText, rows[:_MOST_CHOICES])


def template(part: Any) -> Said:
    if part.HasField("interactiveMessageTemplate"):
        return native(part.interactiveMessageTemplate)
    named = present(part, "hydratedTemplate", "hydratedFourRowTemplate")
    filled = getattr(part, named or "hydratedTemplate")
    return _offer(
        filled.hydratedContentText,
        filled.hydratedTitleText,
        filled.hydratedFooterText,
        [_template_button(one) for one in filled.hydratedButtons[:_MOST_CHOICES]],
        filled,
    )


def _template_button(button: Any) -> Json:
    named = present(button, "quickReplyButton", "urlButton", "callButton")
    if named is None:
        return {}
    inner = getattr(button, named)
    return given(
        id=line(getattr(inner, "ID", "")),
        text=line(inner.displayText),
        url=link(getattr(inner, "URL", "")),
        phone=line(getattr(inner, "phoneNumber", "")),
    )


def highly_structured(part: Any) -> Said:
    return template(part.hydratedHsm)


def native(part: Any) -> Said:
    flows = part.nativeFlowMessage.buttons[:_MOST_CHOICES]
    offered = [_flow(one) for one in flows]
    return _offer(
        part.body.text, part.header.title, part.footer.text, offered, part.header
    )


def _flow(button: Any) -> Json:
    """A button by its id, or else by WhatsApp's name for what it does."""
    told = _parameters(button.buttonParamsJSON)
    return given(
        id=_told(told, "id") or line(button.name),
        text=_told(told, "display_text") or _told(told, "title"),
        url=link(_told(told, "url") or ""),
        phone=_told(told, "phone_number"),
    )


def _parameters(text: str | bytes) -> Mapping[str, Any]:
    if len(text) > _LONGEST_PARAMETERS:
        return {}
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _told(parameters: Mapping[str, Any], name: str) -> str | None:
    value = parameters.get(name)
    # JSON can hold halves of characters, which no UTF-8 can.
    return line(value.encode(errors="replace")) if isinstance(value, str) else None


def _offer(
    text: str, title: str, footer: str, offered: Sequence[Json], holder: Any = None
) -> Said:
    content = given(title=line(title), footer=line(footer), choices=offered or None)
    said = with_text(INTERACTIVE, text, content)
    file = None if holder is None else present(holder, *_FILES)
    if file is not None:
        said.attachment = media.attachment(getattr(holder, file), _FILES[file])
    return said


def button_reply(part: Any) -> Said:
    return _reply(part.selectedDisplayText, part.selectedButtonID)


def list_reply(part: Any) -> Said:
    return _reply(part.title, part.singleSelectReply.selectedRowID)


def template_reply(part: Any) -> Said:
    return _reply(part.selectedDisplayText, part.selectedID)


def native_reply(part: Any) -> Said:
    answer = part.nativeFlowResponseMessage
    told = _parameters(answer.paramsJSON)
    said = _reply(part.body.text, _told(told, "id") or answer.name)
    said.content |= given(answer=line(answer.paramsJSON))
    return said


def _reply(text: str, chosen: str) -> Said:
    return with_text(INTERACTIVE_REPLY, text, given(chosen_id=line(chosen)))
