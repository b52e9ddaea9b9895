from __future__ import annotations

import subprocess
import sys

LOADED = "'neonize._binder' in sys.modules"
OURS = "from devstack.whatsapp.wire.protobufs import E2E"


ALONE = f"{OURS}; assert not {LOADED} and 'neonize' not in sys.modules"
STUBBED_BY_SOMEBODY_ELSE = f"""
import importlib.util, types
stub = types.ModuleType("neonize")
stub.__path__ = importlib.util.find_spec("neonize").submodule_search_locations
sys.modules["neonize"] = stub
{OURS}
assert sys.modules["neonize"] is stub and not {LOADED}
"""
USES_THEM = "assert E2E.Message(conversation='oi').SerializeToString()"


def test_the_messages_load_without_the_go_library() -> None:
    programs = [
        subprocess.Popen([sys.executable, "-c", f"import sys\n{lines}\n{USES_THEM}"])  # noqa: S603 - our own
        for lines in (ALONE, STUBBED_BY_SOMEBODY_ELSE)
    ]

    assert [program.wait() for program in programs] == [0, 0]
