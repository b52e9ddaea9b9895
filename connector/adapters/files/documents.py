"""Documents: sent as they are; only their type and name have to be told."""

from __future__ import annotations

import mimetypes
import re
from typing import Final

from connector.domain.media import LONGEST_NAME, OCTETS, shown_name
from connector.domain.outgoing import FileFacts
from connector.file_types import sniffed

UNNAMED: Final = "file"
_TYPE: Final = re.compile(
    r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}"
)
# What many other types are made of: a file's name tells more.
_VAGUE: Final = (OCTETS, "application/zip", "text/plain", "application/xml", "text/xml")
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
# Python's own table, not the machine's: the same everywhere.
_KNOWN: Final = mimetypes.MimeTypes()
for _extension, _of_it in (
    (".docx", f"{_OFFICE}.wordprocessingml.document"),
    (".xlsx", f"{_OFFICE}.spreadsheetml.sheet"),
    (".pptx", f"{_OFFICE}.presentationml.presentation"),
    (".odt", "application/vnd.oasis.opendocument.text"),
    (".ods", "application/vnd.oasis.opendocument.spreadsheet"),
    (".md", "text/markdown"),
):
    _KNOWN.add_type(_of_it, _extension)


def facts(
    head: bytes, claimed: FileFacts, *, source_name: str, source_type: str | None
) -> FileFacts:
    """What is said of a document: by the app, else by its bytes, its name, its source."""
    name = shown_name(claimed.file_name or "") or shown_name(source_name)
    mime_type = _mime_type(head, claimed, name, source_type)
    return FileFacts(mime_type=mime_type, file_name=_with_extension(name, mime_type))


def _mime_type(
    head: bytes, claimed: FileFacts, name: str | None, source_type: str | None
) -> str:
    by_name = _KNOWN.guess_type(name or "", strict=False)[0]
    candidates = (
        _plain(claimed.mime_type),
        sniffed(head),
        by_name,
        _plain(source_type),
    )
    told = [each for each in candidates if each is not None]
    return next((each for each in told if each not in _VAGUE), _least_vague(told))


def _least_vague(told: list[str]) -> str:
    return next((each for each in told if each != OCTETS), OCTETS)


def _plain(mime_type: str | None) -> str | None:
    """Without parameters; None for what is no type."""
    told = (mime_type or "").partition(";")[0].strip().lower()
    return told if _TYPE.fullmatch(told) else None


def _with_extension(name: str | None, mime_type: str) -> str:
    """Phones open a document by the end of its name."""
    if name is not None and "." in name.strip("."):
        return name
    extension = _KNOWN.guess_extension(mime_type) or ""
    return (name or UNNAMED)[: LONGEST_NAME - len(extension)] + extension
