"""What the image is built from, installed as the image installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text("utf-8")
INSTALL = "docker/install.sh"

# It is installed once, where all that look at it run; that downloads every package.
pytestmark = [pytest.mark.xdist_group("image"), pytest.mark.timeout(900)]


def copied_into_the_build() -> list[tuple[str, str]]:
    """Source and destination of each COPY of the first stage."""
    build = DOCKERFILE.split("\nFROM ")[1]
    pairs = []
    for line in build.splitlines():
        if line.startswith("COPY "):
            *sources, destination = line.removeprefix("COPY ").split()
            pairs += [(source, destination) for source in sources]
    return pairs


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that the image's own script makes of the files it is given."""
    folder = tmp_path_factory.mktemp("image")
    context, target = folder / "build", folder / "zapbase"
    for source, destination in copied_into_the_build():
        into = context / (
            f"{destination}{source}" if destination == "./" else destination
        )
        into.parent.mkdir(parents=True, exist_ok=True)
        if (REPOSITORY / source).is_dir():
            shutil.copytree(
                REPOSITORY / source, into, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(REPOSITORY / source, into)
    assert f"RUN {INSTALL} " in DOCKERFILE
    subprocess.run([str(context / INSTALL), str(target)], cwd=context, check=True)  # noqa: S603 - ours
    return target


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - what was just installed
        [str(installed / "bin" / "zapbase"), *arguments],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_image_runs_what_it_installs_and_names_what_it_lacks(
    installed: Path,
) -> None:
    version = run(installed, "version")
    started = run(installed, "run")

    assert version.stdout.startswith("zapbase ")
    assert started.returncode == 2
    for name in ("SUPABASE_URL", "SUPABASE_SECRET_KEY", "WA_STATE_KEY"):
        assert name in started.stderr


def test_nothing_of_development_is_in_it(installed: Path) -> None:
    packages = {each.name for each in installed.glob("lib/python*/site-packages/*")}

    assert "connector" in packages
    assert packages & {"devstack", "pytest", "uvicorn", "setuptools"} == set()


def test_it_stops_in_order_and_as_nobody_special() -> None:
    fly = tomllib.loads((REPOSITORY / "fly.toml").read_text("utf-8"))

    assert fly["kill_signal"] == "SIGTERM"
    assert fly["mounts"]["destination"] == "/data"
    assert [each["policy"] for each in fly["restart"]] == ["always"]
    assert "services" not in fly
    assert "http_service" not in fly
    last_stage = DOCKERFILE.split("\nFROM ")[-1]
    assert "USER zapbase" in last_stage
    assert "WA_DATA_DIR=/data" in last_stage
