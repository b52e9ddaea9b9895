"""Places: sent once, or followed for a while."""

from __future__ import annotations

from typing import Any, Final

from connector.adapters.whatsapp.reading.content.said import (
    LIVE_LOCATION,
    LOCATION,
    Said,
    data_uri,
    given,
    line,
    link,
    number,
    with_text,
)
from connector.domain.messages import Json

_NORTHMOST: Final = 90.0
_EASTMOST: Final = 180.0


def location(part: Any) -> Said:
    kind = LIVE_LOCATION if part.isLive else LOCATION
    return with_text(kind, part.comment or part.name, place(part))


def live_location(part: Any) -> Said:
    content = {**_point(part), **given(thumbnail=data_uri(part.JPEGThumbnail))}
    return with_text(LIVE_LOCATION, part.caption, content)


def place(part: Any) -> dict[str, Json]:
    """A LocationMessage as content."""
    return {
        **_point(part),
        **given(
            name=line(part.name),
            address=line(part.address),
            url=link(part.URL),
            thumbnail=data_uri(part.JPEGThumbnail),
        ),
    }


def _point(part: Any) -> dict[str, Json]:
    accuracy = part.accuracyInMeters if part.HasField("accuracyInMeters") else -1
    return given(
        latitude=_degrees(part.degreesLatitude, _NORTHMOST),
        longitude=_degrees(part.degreesLongitude, _EASTMOST),
        accuracy_metres=number(accuracy),
    )


def _degrees(value: float, most: float) -> float | None:
    return value if -most <= value <= most else None  # NaN is neither
