"""From a claimed row to what leaves: read, addressed, its file uploaded, its link looked at.

Nothing here is seen by anybody: a row that is interrupted was not begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import structlog

from connector.delivery.compose import compose, judge
from connector.delivery.fetching import Fetching, StillOnItsWay
from connector.delivery.line import Line
from connector.delivery.prepared import (
    Prepared,
    PreparedMessage,
    PreparedReads,
    PreparedTyping,
)
from connector.delivery.recipients import Recipients
from connector.delivery.uploading import needs_file
from connector.domain import outgoing
from connector.domain.addresses import Jid
from connector.domain.outgoing import (
    LinkPreview,
    OutboxResult,
    OutgoingFile,
    OutgoingMessage,
    OutgoingRead,
    Typing,
    Unread,
)
from connector.domain.outgoing.links import first_link
from connector.errors import (
    FileUnavailable,
    InvalidAddress,
    InvalidPayload,
    LeaseLost,
    SendFailed,
    WorkerGone,
)
from connector.payloads import (
    MediaPayload,
    MessagePayload,
    Payload,
    ReadPayload,
    TextPayload,
    TypingPayload,
    read,
)
from connector.ports import ClaimedRow, Clock, Files

log = structlog.get_logger()

MOST_LOOKED_AT: Final = 2  # pages at a time, of one session


class Preparing:
    """One session's."""

    def __init__(
        self,
        recipients: Recipients,
        fetching: Fetching,
        files: Files,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._recipients = recipients
        self._fetching = fetching
        self._files = files
        self._clock = clock
        self._chance = chance
        self._looking = asyncio.Semaphore(MOST_LOOKED_AT)

    def stop(self) -> None:
        self._fetching.stop()

    async def prepare(self, line: Line, row: ClaimedRow) -> Prepared | OutboxResult:
        """What is to be done, or what became of the row instead. Raises LeaseLost."""
        try:
            return await self._prepared(line, row)
        except StillOnItsWay:
            return outgoing.outcome_of_slow_file(row.id)
        except (InvalidAddress, InvalidPayload) as error:
            return outgoing.outcome_of_invalid(row.id, error)
        except WorkerGone:
            return outgoing.outcome_of_vanished(row.id, row.attempts)
        except (SendFailed, FileUnavailable) as error:
            return self._failed(row, error)
        except LeaseLost:
            raise
        except Exception:  # supervised: one row must not end the sending of all others
            log.exception("row not prepared", outbox_id=row.id)
            return self._failed(row, SendFailed("It could not be prepared: report it."))

    def _failed(
        self, row: ClaimedRow, error: SendFailed | FileUnavailable
    ) -> OutboxResult:
        return outgoing.outcome_of_failure(row.id, row.attempts, error, self._chance())

    async def _prepared(self, line: Line, row: ClaimedRow) -> Prepared:
        if not row.readable:
            raise InvalidPayload("The row is none that this connector understands.")
        payload = read(row.kind, row.payload)
        to = outgoing.recipient(row.to, row.chat_jid)
        judge(payload, row.references)
        match payload:
            case ReadPayload():
                return PreparedReads(reads=_reads(to, row.references.unread))
            case TypingPayload():
                return PreparedTyping(
                    chat=await self._address(line, row, to),
                    typing=payload.typing,
                    lasting=timedelta(seconds=payload.seconds),
                )
            case _:
                address = await self._address(line, row, to)
                preview = await self._preview(payload)
                file = await self._file(line, row, payload)
                message = compose(payload, row, file, preview, self._clock.now())
                return _message(address, payload, message)

    async def _address(self, line: Line, row: ClaimedRow, to: Jid) -> Jid:
        # Who asks waits for its turn among all that asks about numbers (people/numbers.py),
        # and the second message to a new number finds the answer there.
        return await line.ask(
            lambda worker: self._recipients.find(worker, to, checked=row.on_whatsapp)
        )

    async def _file(
        self, line: Line, row: ClaimedRow, payload: Payload
    ) -> OutgoingFile | None:
        if not needs_file(row, payload):
            self._fetching.forget(row)
            return row.file
        return await self._fetching.file(line, row, payload)

    async def _preview(self, payload: Payload) -> LinkPreview | None:
        link = _link(payload)
        if link is None:
            return None
        async with self._looking:
            return await self._files.preview(link)


def _link(payload: Payload) -> str | None:
    if isinstance(payload, TextPayload) and payload.link_preview is True:
        return first_link(payload.text)
    return None


def _message(
    to: Jid, payload: MessagePayload, message: OutgoingMessage
) -> PreparedMessage:
    if not isinstance(payload, TextPayload | MediaPayload):
        return PreparedMessage(to=to, message=message)
    typing = payload.typing if isinstance(payload, MediaPayload) else Typing.TYPING
    return PreparedMessage(
        to=to,
        message=message,
        typing=typing,
        typing_for=timedelta(seconds=payload.typing_seconds),
    )


def _reads(chat: Jid, unread: Sequence[Unread]) -> tuple[OutgoingRead, ...]:
    """WhatsApp takes the ticks of one sender at a time."""
    by_sender: dict[Jid, list[str]] = {}
    for message in unread:
        by_sender.setdefault(message.author, []).append(message.whatsapp_id)
    return tuple(
        OutgoingRead(chat=chat, sender=sender, whatsapp_ids=tuple(ids))
        for sender, ids in by_sender.items()
    )
