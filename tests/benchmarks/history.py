"""The history that a phone sends after linking: how fast, and how much memory it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import events
from connector.adapters.whatsapp.reading.incoming import decode
from connector.adapters.whatsapp.reading.rules import ReadingRules, Rejected
from connector.domain import messages as domain
from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from devstack.whatsapp import Person, history
from devstack.whatsapp.history import Sync
from devstack.whatsapp.much_history import much_history
from tests.benchmarks import bare, plain_sql
from tests.benchmarks.figures import Figures
from tests.benchmarks.footprint import Footprint
from tests.benchmarks.scene import Scene
from tests.benchmarks.sizes import Sizes

CHATS_PER_CHUNK = 50
PATIENCE = 240.0


async def ingestion(scene: Scene) -> Figures:
    """Chunks of a history to the last committed row; and the same rows without WhatsApp."""
    number = await scene.link(scene.stage.whatsapp.person("5511955550100", "Old"))
    chunks = _chunks(scene.sizes, number.owner)
    ids = _ids(chunks)
    processes = scene.processes_of(number)
    async with Footprint.watched(**processes) as footprint:
        started = time.monotonic()
        for chunk in chunks:
            await number.owner.phone.sends_history(chunk)
        await scene.commits.until(ids, within=PATIENCE)
    times = [scene.commits.committed[each] for each in ids]
    first, last = min(times), max(times)
    rate = len(ids) / (last - started)
    await scene.app.wants(number.session_id, "disconnected")
    rpc = await bare.messages_per_s(scene, list(_decoded(chunks, number.owner)))
    copied = await plain_sql.rows_per_s(scene, number.session_id, triggers=True)
    untriggered = await plain_sql.rows_per_s(scene, number.session_id, triggers=False)
    return {
        "history_per_s": round(rate),
        "history_first_row_s": round(first - started, 2),
        "history_bare_rpc_per_s": round(rpc),
        "history_of_bare_rpc": round(rate / rpc, 2),
        "history_insert_select_per_s": round(copied),
        "history_of_insert_select": round(rate / copied, 2),
        "history_insert_select_without_triggers_per_s": round(untriggered),
        "history_extra_mb": round(sum(map(footprint.extra_mb, processes)), 1),
        "history_extra_supervisor_mb": round(footprint.extra_mb("supervisor"), 1),
        "history_extra_worker_mb": round(footprint.extra_mb("worker"), 1),
    }


def _chunks(sizes: Sizes, owner: Person) -> list[Sync]:
    """As a phone sends them, though made beforehand: they are not what is measured."""
    per_chat = sizes.history_messages // sizes.history_chats
    conversations = list(much_history(sizes.history_chats, per_chat))
    return list(history.chunks(conversations, CHATS_PER_CHUNK, owner=owner))


def _ids(chunks: Sequence[Sync]) -> list[str]:
    return [
        each.message.key.ID
        for chunk in chunks
        for conversation in chunk.conversations
        for each in conversation.messages
    ]


def _decoded(chunks: Sequence[Sync], owner: Person) -> Iterator[Incoming]:
    """What the connector makes of it, for the baseline to store the same."""
    lid, phone = Jid.parse(str(owner.lid)), Jid.parse(str(owner.jid))
    rules = ReadingRules(own=domain.Person(lid=lid, phone=phone))
    for chunk in chunks:
        event = events.HistorySync()
        event.Data.ParseFromString(chunk.SerializeToString())
        found = decode(
            Code.HISTORY_SYNC,
            event.SerializeToString(),
            datetime.now(UTC),
            rules,
        )
        yield from (item for item in found if not isinstance(item, Rejected))
