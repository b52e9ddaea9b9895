"""What happens to messages afterwards: edits, deletions, reactions, votes."""

from __future__ import annotations

from connector.adapters.supabase.rows.people import Mentioned
from connector.adapters.supabase.rows.writing import Record, timestamp
from connector.domain.changes import Edit, Reaction, Revocation, Vote


def edit(item: Edit, mentioned: Mentioned) -> Record:
    return {
        "chat_jid": mentioned.chat(item.chat),
        "whatsapp_id": item.whatsapp_id,
        "from_me": item.from_me,
        "sender_jid": mentioned.person(item.sender, is_us=item.from_me),
        "edit_id": item.edit_id,
        "body": item.body,
        "content": item.content,
        "mentions": [str(jid) for jid in item.mentions],
        "edited_at": timestamp(item.edited_at),
    }


def revocation(item: Revocation, mentioned: Mentioned) -> Record:
    author = item.author
    # Whoever deletes a message of ours without being an admin is ourselves.
    is_ours = item.from_me and not item.by_admin
    return {
        "chat_jid": mentioned.chat(item.chat),
        "whatsapp_id": item.whatsapp_id,
        "from_me": item.from_me,
        "author_jid": (
            None if author is None else mentioned.person(author, is_us=item.from_me)
        ),
        "revoked_by_jid": mentioned.person(item.revoked_by, is_us=is_ours),
        "by_admin": item.by_admin,
        "revoked_at": timestamp(item.revoked_at),
    }


def reaction(item: Reaction, mentioned: Mentioned) -> Record:
    return {
        "chat_jid": mentioned.chat(item.chat),
        "whatsapp_id": item.whatsapp_id,
        "sender_jid": mentioned.person(item.sender, is_us=item.from_me),
        "from_me": item.from_me,
        "emoji": item.emoji,
        "reacted_at": timestamp(item.reacted_at),
    }


def vote(item: Vote, mentioned: Mentioned) -> Record:
    options = item.options
    return {
        "chat_jid": mentioned.chat(item.chat),
        "whatsapp_id": item.whatsapp_id,
        "voter_jid": mentioned.person(item.voter, is_us=item.from_me),
        "from_me": item.from_me,
        "options": None if options is None else [option.hex() for option in options],
        "voted_at": timestamp(item.voted_at),
    }
