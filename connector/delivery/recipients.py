"""Whom a phone number belongs to, asked once before the first message to it.

WhatsApp may know a number in another spelling (Brazil's ninth digit), and only WhatsApp
knows which. The question comes before the attempt begins: a row that is interrupted here
was not begun. Nobody is asked about who is known already, or was found missing within a
week (`wa_number_checks`); and no answer at all is no reason not to send: whatsmeow asks
once more, in its own way.
"""

from __future__ import annotations

from typing import Final

from connector.domain.addresses import PHONE_SERVER, Jid
from connector.errors import LookupRefused, NotConnected, RecipientUnknown
from connector.ports import DeviceStore, Numbers, SessionContext, Worker

MOST_KNOWN: Final = 10_000


class Recipients:
    """One session's."""

    def __init__(
        self, context: SessionContext, store: DeviceStore, numbers: Numbers
    ) -> None:
        self._context = context
        self._store = store
        self._numbers = numbers
        self._known: set[Jid] = set()

    async def find(
        self, worker: Worker, to: Jid, *, checked: bool | None = None
    ) -> Jid:
        """Where to send. Raises RecipientUnknown, WorkerGone.

        `checked` is what the row was claimed with: whether WhatsApp said, in the last
        seven days, that it knows the number. Who has told us of themselves since, by
        writing, is known whatever was said.
        """
        if to.server != PHONE_SERVER or await self._is_known(to):
            return to
        if checked is False:
            raise RecipientUnknown
        try:
            answers = await self._numbers.ask(self._context, worker, [to.user])
        except (NotConnected, LookupRefused):
            return to
        if not answers:
            return to
        person = answers[0].person
        if person is None:
            raise RecipientUnknown
        return person.phone or person.jid

    async def _is_known(self, to: Jid) -> bool:
        if to in self._known:
            return True
        if not await self._store.is_known(to):
            return False
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known.add(to)
        return True
