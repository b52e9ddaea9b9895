"""WhatsApp's addresses and the elements its stanzas are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from devstack.whatsapp.wire.errors import DecodeError

PN: Final = "s.whatsapp.net"
LID: Final = "lid"
GROUP: Final = "g.us"
BROADCAST: Final = "broadcast"
# The servers whose users have devices, and the byte that stands for each.
AGENTS: Final = {PN: 0, LID: 1, "hosted": 128, "hosted.lid": 129}


class Jid(NamedTuple):
    """An address: a user or group on a server; device 0 is the phone itself."""

    user: str
    server: str = PN
    device: int = 0

    @property
    def bare(self) -> Jid:
        return Jid(self.user, self.server)

    @property
    def ad_string(self) -> str:
        """The form whose sorted list is hashed into a message's `phash`."""
        return f"{self.user}.0:{self.device}@{self.server}"

    def with_device(self, device: int) -> Jid:
        return self._replace(device=device)

    @classmethod
    def parse(cls, text: str) -> Self:
        """`user[.agent][:device]@server`, or a server alone. Raises DecodeError."""
        user, _, server = text.rpartition("@")
        user, _, device = user.partition(":")
        if device and not device.isdecimal():
            raise DecodeError("the device of an address is not a number")
        if server in AGENTS:
            user = user.partition(".")[0]
        return cls(user, server, int(device or 0))

    def __str__(self) -> str:
        if not self.user:
            return self.server
        device = f":{self.device}" if self.device else ""
        return f"{self.user}{device}@{self.server}"


SERVER_JID: Final = Jid("", PN)

Attributes = Mapping[str, str | int | Jid | None]


@dataclass(slots=True)
class Node:
    """An element. Attributes that are None or empty are not sent; booleans are words."""

    tag: str
    attrs: Attributes = field(default_factory=dict)
    content: list[Node] | bytes | str | None = None

    @property
    def children(self) -> list[Node]:
        return self.content if isinstance(self.content, list) else []

    def child(self, *path: str) -> Node | None:
        """The first descendant along `path`, or None."""
        node: Node | None = self
        for tag in path:
            if node is None:
                return None
            node = next((child for child in node.children if child.tag == tag), None)
        return node

    def all(self, tag: str) -> list[Node]:
        return [child for child in self.children if child.tag == tag]

    def data(self, *path: str) -> bytes:
        """The bytes inside the descendant along `path`. Raises DecodeError."""
        node = self.child(*path)
        if node is None or isinstance(node.content, list):
            raise DecodeError(f"<{self.tag}> has no bytes at {'/'.join(path)}")
        content = node.content or b""
        return content.encode() if isinstance(content, str) else content

    def attr(self, name: str, default: str = "") -> str:
        """An attribute as text, `default` when it is missing."""
        value = self.attrs.get(name)
        return default if value is None else text_of(value)

    def jid(self, name: str) -> Jid:
        """An attribute as an address. Raises DecodeError when it is missing."""
        value = self.attrs.get(name)
        if isinstance(value, Jid):
            return value
        if not value:
            raise DecodeError(f"<{self.tag}> has no address in {name}")
        return Jid.parse(str(value))

    def xml(self, most_children: int = 12) -> str:
        """For a person to read; of bytes only the number is shown."""
        attrs = "".join(f' {name}="{value}"' for name, value in self.attrs.items())
        if self.content is None:
            return f"<{self.tag}{attrs}/>"
        if isinstance(self.content, list):
            inner = "".join(n.xml(most_children) for n in self.content[:most_children])
            if (more := len(self.content) - most_children) > 0:
                inner += f"<!-- {more} more -->"
        else:
            inner = f"<!-- {len(self.content)} bytes -->"
        return f"<{self.tag}{attrs}>{inner}</{self.tag}>"


def text_of(value: str | int | Jid) -> str:
    """An attribute as it is written."""
    return str(value).lower() if isinstance(value, bool) else str(value)
