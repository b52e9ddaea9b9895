"""When a session's process ends again and again, although it is started anew each time."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from connector.domain.session import Moment, Session
from connector.domain.session_commands import RecordEvent
from connector.domain.states import Situation, State, UserAction
from connector.domain.steps import Step, first, retreat

CRASH_LOOP: Final = 5  # in a row; half a minute online ends the row
WORKER_CRASH_LOOP: Final = Situation(
    "worker_crash_loop",
    State.RECONNECTING,
    UserAction.CONTACT_SUPPORT,
    f"The session's process has failed {CRASH_LOOP} times in a row. It is still started "
    "again, later each time; somebody should look at why it fails.",
)


def after_crash(
    session: Session,
    situation: Situation,
    moment: Moment,
    *,
    record: RecordEvent | None = None,
) -> Step:
    """Back off; `record` tells of this failure, until the row of them is told of."""
    crashed = replace(session, crashes=session.crashes + 1)
    step = retreat(crashed, situation, moment)
    if crashed.crashes == CRASH_LOOP:
        record = RecordEvent(
            level="error",
            situation=WORKER_CRASH_LOOP,
            details={"state_code": situation.code},
        )
    elif crashed.crashes > CRASH_LOOP:
        return step
    return step if record is None else first(record, step)
