"""How the server writes down a group, and news about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.whatsapp.messages import new_message_id
from devstack.whatsapp.network import unix_now
from devstack.whatsapp.pictures import Picture
from devstack.whatsapp.wire.nodes import Attributes, Jid, Node

if TYPE_CHECKING:
    from devstack.whatsapp.groups import Group
    from devstack.whatsapp.people import Person


@dataclass(frozen=True, slots=True)
class Described:
    text: str
    id: str
    by: Person
    at: int  # Unix seconds


def whole(group: Group) -> Node:
    """`<group>`, its id without a server part."""
    owner = group.address(group.owner)
    attrs: Attributes = {
        "id": group.jid.user,
        "creator": owner,
        "creator_pn": told_number(group, group.owner),
        "creation": group.created_at,
        "subject": group.subject,
        "s_t": group.subject_at,
        "s_o": group.address(group.subject_by),
        "s_o_pn": told_number(group, group.subject_by),
        "size": len(group.members),
        "addressing_mode": group.addressing,
        "p_v_id": group.version,
        "a_v_id": group.version,
    }
    members = [participant(group, member, ranked=True) for member in group.members]
    return Node("group", attrs, [*_settings(group), *members])


def _settings(group: Group) -> list[Node]:
    settings = []
    if group.description is not None:
        settings.append(description(group.description, group))
    if group.admins_only:
        settings.append(Node("announcement", {}))
    if group.is_locked:
        settings.append(Node("locked", {}))
    if group.timer is not None:
        settings.append(Node("ephemeral", {"expiration": group.timer[0]}))
    return settings


def told_number(group: Group, person: Person) -> Jid | None:
    """What goes beside a LID, where the LID is not all that others may know."""
    told = group.addressing == "lid" and not person.hides_number
    return person.jid if told else None


def participant(group: Group, member: Person, *, ranked: bool = False) -> Node:
    if group.addressing == "lid":
        jids: Attributes = {
            "jid": member.lid,
            "phone_number": told_number(group, member),
        }
    else:
        jids = {"jid": member.jid, "lid": member.lid}
    return Node("participant", {**jids, "type": group.rank(member) if ranked else None})


def description(described: Described, group: Group) -> Node:
    attrs: Attributes = {
        "id": described.id,
        "participant": group.address(described.by),
        "t": described.at,
    }
    if not described.text:
        return Node("description", attrs, [Node("delete", {})])
    body = Node("body", {}, described.text.encode())
    return Node("description", attrs, [body])


def created(group: Group, *, is_new: bool, reason: str | None = None) -> Node:
    attrs: Attributes = {
        "type": "new" if is_new else None,
        "key": new_message_id() if is_new else None,
        "reason": "invite" if is_new else reason,
    }
    return Node("create", attrs, [whole(group)])


def renamed(group: Group) -> Node:
    return Node(
        "subject",
        {
            "subject": group.subject,
            "s_t": group.subject_at,
            "s_o": group.address(group.subject_by),
            "s_o_pn": told_number(group, group.subject_by),
        },
    )


def notification(group: Group, news: Node, by: Person) -> Node:
    attrs: Attributes = {
        "from": group.jid,
        "type": "w:gp2",
        "id": new_message_id(),
        "t": unix_now(),
        "participant": group.address(by),
        "participant_pn": told_number(group, by),
        "notify": by.name,
        "addressing_mode": group.addressing,
    }
    return Node("notification", attrs, [news])


def picture_set(group: Group, picture: Picture, by: Person) -> Node:
    return _picture(group, Node("set", {**_about(group, by), "id": picture.id}))


def picture_removed(group: Group, by: Person) -> Node:
    return _picture(group, Node("delete", _about(group, by)))


def _about(group: Group, by: Person) -> Attributes:
    return {"jid": group.jid, "author": group.address(by)}


def _picture(group: Group, news: Node) -> Node:
    attrs: Attributes = {
        "from": group.jid,
        "type": "picture",
        "id": new_message_id(),
        "t": unix_now(),
    }
    return Node("notification", attrs, [news])
