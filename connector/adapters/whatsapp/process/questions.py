"""What a worker asks WhatsApp about people and groups: one question at a time.

In a thread of its own, so that an unanswered question (whatsmeow waits 75 s) holds up
neither a send nor a sign of life. A question whose asker has given up is not put.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from connector.adapters.whatsapp.process.frames import Frame
from connector.errors import LookupRefusal, LookupRefused

if TYPE_CHECKING:
    from connector.adapters.whatsapp.process.connection import Connection

Answer = tuple[dict[str, Any], bytes]


class Questions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def understands(self, call: object) -> bool:
        return call in _COMMANDS

    def taken(self, frame: Frame) -> Callable[[], Answer]:
        """Take a question in; what comes back puts it, unless it is too late by then.

        Raises LookupRefused, SendFailed (when called).
        """
        give_up = time.monotonic() + float(frame.header["seconds"])

        def put() -> Answer:
            if time.monotonic() >= give_up:
                raise LookupRefused(LookupRefusal.TIMEOUT)
            return _COMMANDS[frame.header["call"]](self._connection, frame)

        return put


def _group_info(connection: Connection, frame: Frame) -> Answer:
    return {}, connection.group_info(frame.body)


def _picture(connection: Connection, frame: Frame) -> Answer:
    picture = connection.picture(frame.body)
    return {"picture_id": picture.ID, "url": picture.URL}, b""


def _look_up(connection: Connection, frame: Frame) -> Answer:
    return {"found": connection.look_up(_numbers(frame.header))}, b""


def _show_online(connection: Connection, frame: Frame) -> Answer:
    connection.show_online(online=bool(frame.header["online"]))
    return {}, b""


def _numbers(header: Mapping[str, Any]) -> Sequence[str]:
    return [str(number) for number in header["numbers"]]


_COMMANDS: Final[Mapping[object, Callable[[Connection, Frame], Answer]]] = {
    "group_info": _group_info,
    "picture": _picture,
    "look_up": _look_up,
    "show_online": _show_online,
}
