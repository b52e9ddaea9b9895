"""Where every session of this process is, and since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from connector.domain.session_commands import RecordEvent
from connector.domain.states import Situation, State
from connector.domain.stuck import Stay, go_on, is_stuck, stuck_event
from connector.ports import SessionId


@dataclass(slots=True)
class _Watched:
    stay: Stay
    record: Callable[[RecordEvent], None]


class StateWatch:
    """Told by the runners, in the event loop; counted from any thread."""

    def __init__(self, reconnecting: Callable[[str], None] = lambda _: None) -> None:
        """`reconnecting(code)` is called when a session begins to reconnect."""
        self._sessions: dict[SessionId, _Watched] = {}
        self._reconnecting = reconnecting

    def shows(
        self,
        session_id: SessionId,
        situation: Situation,
        now: float,
        record: Callable[[RecordEvent], None],
        *,
        queued: bool = False,
    ) -> None:
        """A session shows this now; `record` tells its members of an event.

        `queued`: it waits for its turn to log in.
        """
        known = self._sessions.get(session_id)
        before = None if known is None else known.stay
        stay = go_on(before, situation, now, queued=queued)
        self._sessions[session_id] = _Watched(stay, record)
        begins = before is None or before.situation.state is not State.RECONNECTING
        if begins and situation.state is State.RECONNECTING:
            self._reconnecting(situation.code)

    def left(self, session_id: SessionId) -> None:
        """A session does not run here any more."""
        self._sessions.pop(session_id, None)

    def tell_stuck(self, now: float) -> int:
        """Tell of each session that is stuck, once; return how many that were."""
        stuck = [one for one in self._sessions.values() if is_stuck(one.stay, now)]
        for one in stuck:
            one.record(stuck_event(one.stay))
            one.stay = replace(one.stay, told=True)
        return len(stuck)

    def runs_here(self, session_id: SessionId) -> bool:
        return session_id in self._sessions

    def by_state(self) -> Mapping[State, int]:
        # A copy first: the event loop may be writing.
        states = [one.stay.situation.state for one in list(self._sessions.values())]
        return Counter(states)
