"""What the watch is told by running sessions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from connector.domain.states import State
from connector.ports import Signal
from connector.sessions.runner import Surroundings
from connector.sessions.state_watch import StateWatch
from tests.fakes.clock import settle
from tests.fakes.running import Scene


@dataclass
class WatchedScene(Scene):
    reconnects: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.watch = StateWatch(self.reconnects.append)

    @property
    def around(self) -> Surroundings:
        return replace(super().around, watch=self.watch)

    @property
    def stuck(self) -> int:
        return self.sessions.events.count("stuck")


async def test_sessions_are_counted_by_state_while_they_run() -> None:
    scene = WatchedScene()
    async with scene.supervised():
        await scene.go_online()
        assert scene.watch.by_state() == {State.CONNECTED: 1}

    assert scene.watch.by_state() == {}


async def test_a_session_that_cannot_connect_is_told_of_once() -> None:
    scene = WatchedScene()
    async with scene.running():
        worker = await scene.go_online()
        worker.says(Signal.DISCONNECTED)
        await scene.shows("reconnecting/connection_lost")
        began = scene.clock.monotonic()

        assert scene.watch.tell_stuck(began + 599.0) == 0
        assert scene.watch.tell_stuck(began + 601.0) == 1
        assert scene.watch.tell_stuck(began + 2_000.0) == 0
        await settle()

        assert scene.stuck == 1
        assert scene.reconnects == ["connection_lost"]
