"""What a machine and a Prometheus hear, from the real process and the real port."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import signal
import socket
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from connector import logs
from connector.observability import serving
from connector.observability.serving import MOST_CONNECTIONS, FiguresServer
from devstack.connector_process import ConnectorProcess

DOCS = Path(__file__).parents[2] / "docs"
# Whatever waits longer in these tests is stuck.
PATIENCE_SECONDS = 60.0
NOBODY = {"SUPABASE_URL": "http://127.0.0.1:9", "SUPABASE_SECRET_KEY": "sb_secret_no"}


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


class Running:
    """A connector whose Supabase is away, and its private port."""

    def __init__(self, process: ConnectorProcess, port: int) -> None:
        self.process = process
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_SECONDS
        )

    async def get(self, path: str) -> httpx.Response:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await self._client.get(path)
                except httpx.ConnectError:  # it is still starting
                    assert self.process.running
                    await asyncio.sleep(0.05)

    async def close(self) -> None:
        await self._client.aclose()
        await self.process.close()


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    port = free_port()
    process = ConnectorProcess(
        tmp_path_factory.mktemp("watched"), NOBODY | {"WA_METRICS_PORT": str(port)}
    )
    await process.start()
    running = Running(process, port)
    yield running
    await running.close()


def names(exposition: str) -> set[str]:
    """As one writes them in a query."""
    return {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(exposition)
    }


def _only_child(pid: int) -> int:
    """The zygote: nothing else is started without sessions."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # others end meanwhile
            stat = (folder / "stat").read_text("latin-1")
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    (child,) = [one for one, parent in parents.items() if parent == pid]
    return child


def documented() -> set[str]:
    page = (DOCS / "observability.md").read_text("utf-8")
    table = page.split("## Every figure")[1].split("\n## ")[0]
    return {
        f"zapbase_{name}"
        for name in re.findall(r"^\| `([a-z_]+)`", table, re.MULTILINE)
    }


async def test_supabase_being_away_is_told_and_is_no_reason_to_restart(
    running: Running,
) -> None:
    answer = await running.get("/healthz")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while answer.json()["supabase"]["state"] == "ok":  # not asked yet
            answer = await running.get("/healthz")

    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["doorbell"], body["sessions"]) == ("ok", "polling", {})
    assert body["supabase"].keys() == {"state", "since", "reason"}
    assert body["supabase"]["state"] == "away"


async def test_every_documented_figure_is_exported_and_vice_versa(
    running: Running,
) -> None:
    exported = (await running.get("/metrics")).text

    assert names(exported) == documented()


async def test_the_processes_are_seen(running: Running) -> None:
    memory: dict[str, float] = {}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not memory:  # looked at for the first time right after the start
            exported = (await running.get("/metrics")).text
            memory = {
                sample.labels["process"]: sample.value
                for family in text_string_to_metric_families(exported)
                for sample in family.samples
                if family.name == "zapbase_private_bytes"
            }

    assert memory.keys() == {"supervisor", "zygote", "workers", "files"}
    assert memory["supervisor"] > 5e6
    assert memory["zygote"] > 1e6


async def test_the_dashboard_asks_for_figures_that_exist() -> None:
    dashboard = json.loads((DOCS / "grafana.json").read_text("utf-8"))
    queries = [
        target["expr"]
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]
    asked = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for query in queries
        for name in re.findall(r"zapbase_[a-z_]+", query)
    }

    panels = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(panels)) == len(panels)
    assert len(queries) > 15
    assert asked <= documented()
    assert documented() - asked <= {"zapbase_build_info"}


async def test_other_paths_and_verbs_say_so(running: Running) -> None:
    assert (await running.get("/")).status_code == 404
    posted = await running._client.post("/healthz", content=b"x")
    assert posted.status_code == 405


async def test_without_its_zygote_the_process_ends_to_be_restarted(
    tmp_path: Path,
) -> None:
    port = free_port()
    process = ConnectorProcess(tmp_path, NOBODY | {"WA_METRICS_PORT": str(port)})
    await process.start()
    running = Running(process, port)
    try:
        await running.get("/healthz")
        os.kill(_only_child(process.pid), signal.SIGKILL)
        async with asyncio.timeout(PATIENCE_SECONDS):
            code = await process.wait()
    finally:
        await running.close()

    assert code == 1


LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def logged_keys() -> set[str]:
    """Every keyword of every call of `log`, in all of the connector."""
    found = set()
    for file in (DOCS.parent / "connector").rglob("*.py"):
        source = file.read_text("utf-8")
        if "structlog" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="log"), attr=level),
                    keywords=keywords,
                ) if level in LEVELS:
                    found |= {keyword.arg or "**" for keyword in keywords}
    return found


def test_nothing_is_logged_that_would_be_dropped() -> None:
    assert {"session_id", "error", "figures", "seconds"} <= logged_keys()
    assert logged_keys() <= logs.ALLOWED


STUCK = """
import asyncio, time
from connector.observability.pulse import Pulse, Watchdog

async def main():
    pulse = Pulse(lambda lag: None)
    Watchdog(pulse, look=0.02, stuck_for=0.2).start()
    beating = asyncio.create_task(pulse.run())
    await asyncio.sleep(0)
    hang_for_ever()

def hang_for_ever():
    time.sleep(60)

asyncio.run(main())
"""


async def test_a_stuck_process_says_where_and_ends_to_be_restarted() -> None:
    stuck = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STUCK), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, said = await stuck.communicate()

    assert stuck.returncode == 1
    assert "in hang_for_ever" in said.decode()


def test_fly_looks_where_it_is_served() -> None:
    fly = tomllib.loads((DOCS.parent / "fly.toml").read_text("utf-8"))
    port = int(fly["env"]["WA_METRICS_PORT"])

    assert fly["env"]["WA_METRICS_HOST"] == "::"
    assert fly["metrics"] == {"port": port, "path": "/metrics"}
    check = fly["checks"]["health"]
    assert (check["port"], check["path"]) == (port, "/healthz")
    assert {"services", "http_service"}.isdisjoint(fly)


class Scene:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        Counter("zapbase_seen", "Seen.", registry=self.registry).inc()
        self.health: tuple[int, dict[str, Any]] = (200, {"status": "ok"})
        self.server = FiguresServer("127.0.0.1", 0, self.registry, lambda: self.health)
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.port}"


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.server.close()


def test_what_a_restart_cures_is_503(scene: Scene) -> None:
    scene.health = (503, {"status": "event_loop_stuck"})

    answer = httpx.get(f"{scene.url}/healthz")

    assert (answer.status_code, answer.json()) == (503, {"status": "event_loop_stuck"})


def test_it_answers_while_the_event_loop_does_not(scene: Scene) -> None:
    """This very call holds up the loop of the test: another thread answers it."""
    assert "zapbase_seen_total 1.0" in httpx.get(f"{scene.url}/metrics").text


def test_whoever_keeps_connections_open_is_cut_off(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving._Handler, "timeout", 0.3)
    idle = [
        socket.create_connection(("127.0.0.1", scene.server.port))
        for _ in range(MOST_CONNECTIONS)
    ]
    one_more = socket.create_connection(("127.0.0.1", scene.server.port))

    for connection in (one_more, *idle):
        with connection:
            connection.settimeout(PATIENCE_SECONDS)
            assert connection.recv(1) == b""

    assert httpx.get(f"{scene.url}/healthz").status_code == 200


def test_it_listens_on_ipv6_as_well() -> None:
    server = FiguresServer("::1", 0, CollectorRegistry(), lambda: (200, {}))
    server.start()
    try:
        answer = httpx.get(f"http://[::1]:{server.port}/healthz")
    finally:
        server.close()

    assert answer.status_code == 200


def test_a_port_that_is_taken_is_an_error_at_once(scene: Scene) -> None:
    with pytest.raises(OSError, match="in use"):
        FiguresServer("127.0.0.1", scene.server.port, scene.registry, lambda: (200, {}))
