"""A phone that was used for years: hundreds of chats, made up while they are sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import overload

from devstack.whatsapp.remembering import Conversation, Remembered, Stranger
from devstack.whatsapp.wire.nodes import LID, PN, Jid

WORDS = [
    "bom",
    "dia",
    "tudo",
    "certo",
    "sim",
    "pode",
    "ser",
    "amanhã",
    "então",
    "combinado",
    "obrigada",
    "o",
    "pedido",
    "chegou",
    "ainda",
    "não",
    "qual",
    "é",
    "o",
    "valor",
    "da",
    "entrega",
    "por",
    "favor",
    "confirma",
    "o",
    "endereço",
    "até",
    "mais",
]
A_WHILE = timedelta(days=13)


class OldMessages(Sequence[Remembered]):
    """Newest first, spread evenly; the same ones each time they are looked at."""

    def __init__(self, chat: int, count: int, over: timedelta) -> None:
        self._chat, self._count, self._over = chat, count, over

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> Remembered: ...
    @overload
    def __getitem__(self, at: slice) -> list[Remembered]: ...
    def __getitem__(self, at: int | slice) -> Remembered | list[Remembered]:
        if isinstance(at, slice):
            return [self._message(n) for n in range(*at.indices(self._count))]
        return self._message(range(self._count)[at])

    def _message(self, number: int) -> Remembered:
        length = 4 + number % 17
        start = (self._chat + number) % len(WORDS)
        return Remembered(
            text=" ".join((WORDS + WORDS)[start : start + length]),
            age=self._over * (number / self._count) + timedelta(minutes=1),
            from_me=number % 3 == 0,
            whatsapp_id=f"3EB0{self._chat:06X}{number:010X}",
        )


def much_history(
    chats: int, messages: int, over: timedelta = A_WHILE
) -> Iterator[Conversation]:
    """So many chats with so many messages each, over the last days."""
    for chat in range(chats):
        stranger = Stranger(
            Jid(f"55119{chat:08}", PN), Jid(f"9{chat:014}", LID), f"Cliente {chat}"
        )
        yield Conversation(
            stranger, OldMessages(chat, messages, over), newest_first=True
        )
