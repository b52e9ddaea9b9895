"""Which claimed rows were begun: asked of WhatsApp's own store (docs/outbox.md).

Each claim of a row has a secret of its own. whatsmeow stores it with the message id
*before* the frame leaves, so whatever interrupts a send:

    secret present                         -> begun; a receipt settles it, or a person
    absent, same store, key still known    -> never begun
    absent, another store or a lost key    -> absence proves nothing

The same store is the one that was in use at the claim, and has not been put back since: an
earlier copy of a whole disk has the same name, but does not know what was sent last.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.domain.outgoing import OutboxResult, Outcome
from connector.errors import SendUncertain
from connector.ports import Attempt, DeviceStore, UnsettledRow
from connector.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Attempts:
    store: DeviceStore
    sealer: Sealer

    @property
    def lineage(self) -> str:
        """Names the copy of the store, and the key, under which a claim is made."""
        return f"{self.store.lineage()}/{self.sealer.current_key}"

    def secret(self, row_id: str, claim: int) -> bytes:
        """The secret (32 bytes) of the message that a claim leads to."""
        return self.sealer.secrets(f"{row_id}/{claim}")[0]

    async def settle(self, row: UnsettledRow) -> OutboxResult:
        """Decide about a row whose send may have been cut off."""
        attempt = await self._find(row.id, row.claim)
        if attempt is not None:
            return OutboxResult(
                id=row.id,
                outcome=Outcome.AWAITING_RECEIPT,
                whatsapp_id=attempt.whatsapp_id,
            )
        if await self._absence_proves(row):
            return OutboxResult(id=row.id, outcome=Outcome.RELEASED)
        return OutboxResult(
            id=row.id,
            outcome=Outcome.UNCERTAIN,
            code=SendUncertain.code,
            message="The device's store or its key was lost while this was being sent: "
            "it may have arrived.",
        )

    async def _find(self, row_id: str, claim: int) -> Attempt | None:
        for secret in self.sealer.secrets(f"{row_id}/{claim}"):
            attempt = await self.store.find_attempt(secret)
            if attempt is not None:
                return attempt
        return None

    async def _absence_proves(self, row: UnsettledRow) -> bool:
        store, _, key = row.lineage.rpartition("/")
        if store != self.store.lineage() or not self.sealer.has_key(key):
            return False
        return row.witness is None or await self._find(*row.witness) is not None
