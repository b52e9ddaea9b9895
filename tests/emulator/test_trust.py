"""How a program under test comes to trust the emulator, without knowing of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.whatsapp import trust

EMULATOR, ANOTHER = bytes(range(32)).hex(), bytes(32).hex()

HOOKS = "import sys; print([type(hook).__name__ for hook in sys.meta_path])"
LOAD = "import neonize"
# As a process does that forks workers before the Go library is loaded.
LOAD_AFTER_FORK = """
import importlib.util, os, sys, types
stub = types.ModuleType("neonize")
stub.__path__ = list(importlib.util.find_spec("neonize").submodule_search_locations)
sys.modules["neonize"] = stub
from neonize.proto import Neonize_pb2
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
del sys.modules["neonize"]
import neonize
"""
# Refuses unless the bytes in memory are WhatsApp's own or the key that it is given.
TRUSTS = """
from devstack.whatsapp.trust.trust_root import replace_root_key
replace_root_key(bytes.fromhex("{key}"))
"""


@pytest.mark.parametrize("load", [LOAD, LOAD_AFTER_FORK])
def test_a_loaded_library_trusts_the_emulator_alone(load: str, tmp_path: Path) -> None:
    run(load + TRUSTS.format(key=EMULATOR), tmp_path, root_key=EMULATOR)

    with pytest.raises(subprocess.CalledProcessError):
        run(load + TRUSTS.format(key=ANOTHER), tmp_path, root_key=EMULATOR)


def test_a_bad_key_makes_the_import_fail(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(LOAD, tmp_path, root_key="00")


def test_without_a_key_nothing_is_hooked(tmp_path: Path) -> None:
    assert "TrustingFinder" in run(HOOKS, tmp_path, root_key=EMULATOR)
    assert "TrustingFinder" not in run(HOOKS, tmp_path, root_key="")


def test_a_sitecustomize_that_is_hidden_runs_as_well(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('hidden')")

    for root_key in (EMULATOR, ""):
        assert run("", tmp_path, root_key=root_key) == "hidden\n"


def run(program: str, folder: Path, *, root_key: str) -> str:
    """What it printed, with `folder` after ours on its path."""
    path = os.pathsep.join([str(trust.DIRECTORY), str(folder), str(Path.cwd())])
    finished = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path, trust.ROOT_KEY_VARIABLE: root_key},
        check=True,
        capture_output=True,
        text=True,
    )
    return finished.stdout
