"""Who types and who is there: told to whoever looks, at most a few times a second.

WhatsApp tells it only to devices that show themselves, which costs the phone some of its
notifications: `wa_sessions.appear_online` decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connector.errors import (
    LookupRefused,
    NotConnected,
    SupabaseRefused,
    SupabaseUnavailable,
    WorkerGone,
)
from connector.ports import Clock, PeopleStore, SessionContext

GAP_SECONDS: Final = 0.2  # what comes meanwhile melts into the next broadcast
AWAY_SECONDS: Final = 5.0  # what comes meanwhile is old news by then
LOOK_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Presences:
    """Broadcasts presence; one `run` a session. What is not told at once never is."""

    people: PeopleStore
    clock: Clock

    async def run(self, context: SessionContext) -> None:
        while True:
            worker = await context.until_connected()
            try:
                shown = await worker.presences()
                await self.people.show(context.session_id, context.term, shown)
            except WorkerGone:
                await self.clock.sleep(LOOK_SECONDS)  # the session notices, too
            except (SupabaseUnavailable, SupabaseRefused):
                await self.clock.sleep(AWAY_SECONDS)
            await self.clock.sleep(GAP_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """Shows the number as online, or not, as its row says; one `run` a session."""

    clock: Clock

    async def run(self, context: SessionContext) -> None:
        shown_at: int | None = None  # the login at which we said that we are there
        while True:
            worker = await context.until_connected()
            wanted, login = context.appear_online, context.logins
            if wanted != (shown_at == login):
                try:
                    await worker.show_online(online=wanted)
                    shown_at = login if wanted else None
                except (LookupRefused, NotConnected, WorkerGone):
                    # At first the phone has not told our name yet: WhatsApp wants one.
                    await self.clock.sleep(LOOK_SECONDS)
            await self.clock.sleep(LOOK_SECONDS)
