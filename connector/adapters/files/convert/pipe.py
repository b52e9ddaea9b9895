"""Where encoders write to: memory, of which there is as much as may be sent."""

from __future__ import annotations

import io
from collections.abc import Iterator

from connector.adapters.files.convert.prepared import TooLarge, in_pieces


class Pipe(io.BytesIO):
    """Raises TooLarge rather than grow beyond `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self._most_bytes = most_bytes

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.tell() + len(data) > self._most_bytes:
            raise TooLarge
        return super().write(data)

    def taken(self) -> Iterator[bytes]:
        return in_pieces(self.getbuffer())
