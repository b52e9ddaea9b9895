"""How much of everything is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The figures we quote are those of `FULL`."""

    latencies: int = 100
    burst: int = 2_000
    history_chats: int = 500
    history_messages: int = 50_000
    backlog: int = 5_000
    images: int = 20
    image_bytes: int = 200_000
    video_bytes: int = 50_000_000
    documents: int = 10
    document_bytes: int = 4_000_000
    large_document_bytes: int = 16_000_000
    saved_messages: int = 60
    saves: int = 40
    fleet: tuple[int, ...] = (1, 10, 50)
    handovers: int = 3
    moving: tuple[int, ...] = (50, 20)  # the last of all: fewer are kept each time
    lease_seconds: int = 30  # as shipped


FULL = Sizes()
QUICK = Sizes(
    latencies=30,
    burst=500,
    history_chats=50,
    history_messages=5_000,
    backlog=1_000,
    images=5,
    video_bytes=5_000_000,
    documents=3,
    saved_messages=20,
    saves=10,
    fleet=(1, 3),
    handovers=1,
    moving=(3,),
    lease_seconds=10,
)
