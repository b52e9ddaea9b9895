"""Which numbers apps want checked, and what WhatsApp said about numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.rows.reading import Row
from connector.adapters.supabase.rows.writing import Record
from connector.domain.look_ups import NumberAnswer
from connector.ports import SessionId


class DueNumberRow(Row):
    """A row of `wa_next_number_checks`."""

    number: str


class SupabaseNumbers:
    """Implements NumberStore."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def due_numbers(
        self, session_id: SessionId, term: int, limit: int
    ) -> Sequence[str]:
        rows = await self._client.call(
            "wa_next_number_checks",
            {"p_session_id": session_id, "p_term": term, "p_limit": limit},
        )
        return [DueNumberRow.read(row).number for row in rows]

    async def record_numbers(
        self,
        session_id: SessionId,
        term: int,
        answers: Sequence[NumberAnswer],
        unanswered: Sequence[str],
    ) -> None:
        await self._client.call(
            "wa_record_number_checks",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_answers": [*map(_answer, answers), *_failed(unanswered)],
            },
        )

    async def pause_numbers(
        self, session_id: SessionId, term: int, pause: timedelta
    ) -> None:
        await self._client.call(
            "wa_pause_number_checks",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_seconds": pause.total_seconds(),
            },
        )


def _answer(answer: NumberAnswer) -> Record:
    person = answer.person
    if person is None:
        return {"number": answer.asked, "on_whatsapp": False}
    return {
        "number": answer.asked,
        "on_whatsapp": True,
        "jid": str(person.jid),
        "phone_number": None if person.phone is None else person.phone.phone_number,
        "business_name": answer.business_name,
    }


def _failed(unanswered: Sequence[str]) -> Iterator[Record]:
    for number in unanswered:
        yield {
            "number": number,
            "error_code": "no_answer",
            "error_message": "WhatsApp said nothing about this number.",
        }
