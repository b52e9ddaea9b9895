"""Newsletters (channels): posts that nobody encrypts, to everybody who follows."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.whatsapp import stanza_kinds
from devstack.whatsapp.context import copied
from devstack.whatsapp.messages import new_message_id
from devstack.whatsapp.network import unix_now
from devstack.whatsapp.wire.nodes import Attributes, Jid, Node
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

NEWSLETTER = "newsletter"


@dataclass(frozen=True, slots=True)
class Post:
    id: str
    server_id: int
    message: E2E.Message
    at: int  # Unix seconds

    @property
    def whatsapp_id(self) -> str:
        return self.id


class Newsletter:
    """Made by `WhatsApp.newsletter`."""

    def __init__(self, name: str, followers: Iterable[Person]) -> None:
        self.name, self.followers = name, list(followers)
        self.jid = Jid(f"1203634{random.randrange(10**11, 10**12)}", NEWSLETTER)
        self._numbers = itertools.count(100)

    async def posts(self, content: str | E2E.Message) -> Post:
        post = Post(new_message_id(), next(self._numbers), copied(content), unix_now())
        self._deliver(post, {})
        return post

    async def edits(self, post: Post, text: str) -> None:
        """The same post once more, with other words."""
        edited = Post(post.id, post.server_id, copied(text), post.at)
        meta: Attributes = {
            "msg_edit_t": unix_now() * 1000,
            "original_msg_t": post.at,
        }
        self._deliver(edited, meta)

    def _deliver(self, post: Post, meta: Attributes) -> None:
        attrs: Attributes = {
            "from": self.jid,
            "id": post.id,
            "server_id": post.server_id,
            "t": post.at,
            "type": stanza_kinds.stanza_type(post.message),
            "edit": "3" if meta else None,
        }
        plain = Node(
            "plaintext",
            {"mediatype": stanza_kinds.media_type(post.message)},
            post.message.SerializeToString(),
        )
        children = [plain, Node("meta", meta)] if meta else [plain]
        for follower in self.followers:
            for device in follower.linked_devices:
                device.deliver(Node("message", attrs, children))
