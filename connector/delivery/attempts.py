"""Which claimed rows were begun: asked of WhatsApp's own store (docs/outbox.md).

Each claim of a row has a secret of its own. whatsmeow stores it with the message id
*before* the frame leaves, so whatever interrupts a send:

    secret present                         -> begun; a receipt settles it, or a person
    absent, same store, key still known    -> never begun
    absent, another store or a lost key    -> absence proves nothing
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.domain.outgoing import OutboxResult, Outcome
from connector.errors import SendUncertain
from connector.ports import DeviceStore, UnsettledRow
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
        for secret in self.sealer.secrets(f"{row.id}/{row.claim}"):
            attempt = await self.store.find_attempt(secret)
            if attempt is not None:
                return OutboxResult(
                    id=row.id,
                    outcome=Outcome.AWAITING_RECEIPT,
                    whatsapp_id=attempt.whatsapp_id,
                )
        if self._absence_proves(row.lineage):
            return OutboxResult(id=row.id, outcome=Outcome.RELEASED)
        return OutboxResult(
            id=row.id,
            outcome=Outcome.UNCERTAIN,
            code=SendUncertain.code,
            message="The device's store or its key was lost while this was being sent: "
            "it may have arrived.",
        )

    def _absence_proves(self, lineage: str) -> bool:
        store, _, key = lineage.rpartition("/")
        return store == self.store.lineage() and self.sealer.has_key(key)
