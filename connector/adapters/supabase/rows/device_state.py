"""A saved device state, as our RPCs return it: sealed, in base64."""

from __future__ import annotations

from connector.adapters.supabase.rows.reading import Bytes, Row
from connector.domain.device_state import Head
from connector.ports import SealedPage


class DeviceStateRow(Row):
    generation: int
    manifest: Bytes | None

    def head(self) -> Head:
        return Head(generation=self.generation, manifest=self.manifest)


class DevicePageRow(Row):
    page: int
    generation: int
    sealed: Bytes

    def sealed_page(self) -> SealedPage:
        return SealedPage(
            page=self.page, generation=self.generation, sealed=self.sealed
        )
