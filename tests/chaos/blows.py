"""Strikes, waits and heals; and notes what was to be seen at that moment."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devstack.relay import Relay
from tests.chaos.disturbances import Disturbance, Kind
from tests.chaos.machines import Machine
from tests.crashes.evidence import SpoolFile
from tests.crashes.victims import family

if TYPE_CHECKING:
    from devstack.whatsapp import Login
    from tests.chaos.scene import Number, Scene

ENDED_WITHIN: Final = 15.0  # who was frozen is given up for dead by then, or was not
STOP_CODES: Final = (0, 13)  # 13: it left events in memory (docs/spool.md)
# A process of these may end with messages that WhatsApp believes it has.
HOLD_MESSAGES: Final = frozenset(
    {
        *(Kind.KILL_WORKER, Kind.KILL_SUPERVISOR, Kind.KILL_CONNECTOR),
        Kind.KILL_AND_WIPE,
        *(Kind.FREEZE_WORKER, Kind.FREEZE_SUPERVISOR, Kind.FREEZE_CONNECTOR),
    }
)
_KILLS: Final = (Kind.KILL_SUPERVISOR, Kind.KILL_CONNECTOR, Kind.KILL_AND_WIPE)
_STOPS: Final = (Kind.STOP, Kind.STOP_AND_WIPE)
_FREEZES: Final = (Kind.FREEZE_WORKER, Kind.FREEZE_SUPERVISOR, Kind.FREEZE_CONNECTOR)


@dataclass(slots=True)
class Held:
    """What a number's process held when it was struck. No receipt of its comes after `end`."""

    session_id: str
    end: int | None = (
        None  # a position among the receipts; None: its socket did not end
    )
    spooled: frozenset[str] = frozenset()


@dataclass(slots=True)
class Blow:
    """Times are Unix seconds; `caller` and `session_id` are None where it hits all."""

    round: int
    disturbance: Disturbance
    begun: float
    caller: str | None = None
    session_id: str | None = None
    ended: float | None = None
    held: list[Held] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        return self.disturbance.kind

    def touches(self, session_id: str, caller: str | None) -> bool:
        """`caller`: None when it is not known who ran the session."""
        if self.session_id is not None:
            return self.session_id == session_id
        return None in (self.caller, caller) or self.caller == caller

    def __str__(self) -> str:
        at = time.strftime("%H:%M:%S", time.gmtime(self.begun))
        fraction = f"{self.begun % 1:.2f}"[1:]
        where = self.caller or "all"
        return f"{at}{fraction} round {self.round}: {self.disturbance} at {where}"


class Striker:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._watching: set[asyncio.Task[None]] = set()

    async def strike(self, number: int, disturbance: Disturbance) -> Blow:
        """Returns when it is healed, as far as that is for us to do."""
        target = self._scene.numbers[disturbance.number]
        machine = self._scene.machine_for(
            target, at_its_connector=disturbance.at_its_connector
        )
        kind = disturbance.kind
        blow = Blow(number, disturbance, time.time())
        blow.caller = None if kind.is_of_all else machine.caller
        blow.session_id = target.session_id if kind.is_of_one_number else None
        if kind in HOLD_MESSAGES:
            self._note(blow, machine)
        await self._do(blow, machine, target)
        blow.ended = time.time()
        return blow

    async def _do(self, blow: Blow, machine: Machine, target: Number) -> None:
        kind, seconds = blow.kind, blow.disturbance.seconds
        match kind:
            case Kind.KILL_WORKER:
                with suppress(LookupError, ProcessLookupError):
                    pid = machine.connector.worker_pid(target.session_id)
                    os.kill(pid, signal.SIGKILL)
                self._look_into_spools(blow, machine)
            case _ if kind in _KILLS or kind in _STOPS:
                await self._away(blow, machine, seconds)
            case _ if kind in _FREEZES:
                with frozen(_processes(kind, machine, target)):
                    await asyncio.sleep(seconds)
            case Kind.CUT_SUPABASE:
                await _cut(machine.to_supabase, seconds)
            case Kind.CUT_WHATSAPP:
                await _cut(machine.to_whatsapp, seconds)
            case Kind.HANG_UP_SUPABASE:
                await machine.to_supabase.hang_up()
            case Kind.HANG_UP_WHATSAPP:
                await machine.to_whatsapp.hang_up()
            case _:
                await self._server_away(kind, seconds)

    async def _away(self, blow: Blow, machine: Machine, seconds: float) -> None:
        async with machine.coming_or_going:
            if blow.kind in _STOPS:
                await self._stop(blow, machine)
            elif blow.kind is Kind.KILL_SUPERVISOR:
                await machine.connector.kill()
            else:
                for pid in family(machine.connector.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                await machine.connector.wait()
            self._look_into_spools(blow, machine)
            await asyncio.sleep(seconds)
            if blow.kind in (Kind.KILL_AND_WIPE, Kind.STOP_AND_WIPE):
                machine.gets_a_disk()
            await machine.starts()

    async def _stop(self, blow: Blow, machine: Machine) -> None:
        try:
            code = await machine.connector.stop()
        except TimeoutError:
            blow.faults.append(f"{machine.caller} did not stop when it was told to")
            await machine.connector.kill()
        else:
            early = code == -signal.SIGTERM and not machine.has_begun
            if code not in STOP_CODES and not early:
                blow.faults.append(f"{machine.caller} ended with code {code}")

    async def _server_away(self, kind: Kind, seconds: float) -> None:
        local = self._scene.world.local
        if kind is Kind.KILL_GATEWAY:
            await local.gateway.kill()
            await asyncio.sleep(seconds)
            await local.gateway.start()
        else:
            await local.postgres.kill()
            await asyncio.sleep(seconds)
            await local.postgres.start()

    # --- evidence --------------------------------------------------------------------

    def _note(self, blow: Blow, machine: Machine) -> None:
        for number in self._scene.numbers:
            if blow.session_id in (None, number.session_id):
                held = Held(number.session_id)
                blow.held.append(held)
                logins = self._scene.sockets_of(number, machine.caller)
                patience = blow.disturbance.seconds + ENDED_WITHIN
                watching = asyncio.create_task(
                    self._watch(held, number, logins, patience)
                )
                self._watching.add(watching)
                watching.add_done_callback(self._watching.discard)

    async def _watch(
        self, held: Held, number: Number, logins: Sequence[Login], patience: float
    ) -> None:
        """Until its socket has ended: no receipt of that process comes after."""
        if not logins:
            return
        with suppress(TimeoutError):
            await self._scene.world.stage.whatsapp.until(
                lambda: all(login.ended_at is not None for login in logins),
                timeout=patience,
            )
            held.end = number.receipts.position()

    def _look_into_spools(self, blow: Blow, machine: Machine) -> None:
        for held in blow.held:
            spool = SpoolFile(machine.connector, held.session_id)
            held.spooled = frozenset(spool.message_ids())

    async def close(self) -> None:
        for task in tuple(self._watching):
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)


def _processes(kind: Kind, machine: Machine, target: Number) -> list[int]:
    if not machine.connector.running:
        return []
    match kind:
        case Kind.FREEZE_WORKER:
            try:
                return [machine.connector.worker_pid(target.session_id)]
            except LookupError:
                return []
        case Kind.FREEZE_SUPERVISOR:
            return [machine.connector.pid]
        case _:
            return family(machine.connector.pid)


@contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """They do nothing, and do not know; by handles, since a number may be another's then."""
    handles = []
    for pid in pids:
        with suppress(ProcessLookupError):
            handles.append(os.pidfd_open(pid))
    try:
        _send(handles, signal.SIGSTOP)
        yield
    finally:
        _send(handles[::-1], signal.SIGCONT)
        for handle in handles:
            os.close(handle)


def _send(handles: Sequence[int], number: signal.Signals) -> None:
    for handle in handles:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)


async def _cut(wire: Relay, seconds: float) -> None:
    wire.cut()
    try:
        await asyncio.sleep(seconds)
    finally:
        wire.mend()
