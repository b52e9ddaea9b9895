"""neonize's generated protobuf modules, imported without its Go library.

`import neonize` loads the Go runtime: some 45 MB, and threads that do not survive a
fork. The modules themselves are pure Python, so a stand-in package with the same path
makes them importable in the supervisor and, before it forks, in the zygote. The worker
removes the stand-in and imports the real package; the modules, already loaded, stay.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Final

_STAND_IN: Final = "_zapbase_stand_in"


def install_stand_in() -> None:
    """Make `neonize.proto` importable without the rest of neonize. Idempotent."""
    if "neonize" in sys.modules:
        return
    spec = importlib.util.find_spec("neonize")  # locates, does not execute
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("neonize is not installed", name="neonize")
    stand_in = ModuleType("neonize")
    stand_in.__path__ = list(spec.submodule_search_locations)
    stand_in.__spec__ = spec
    setattr(stand_in, _STAND_IN, True)
    sys.modules["neonize"] = stand_in


def remove_stand_in() -> None:
    """Let the next `import neonize` run the real package."""
    if getattr(sys.modules.get("neonize"), _STAND_IN, False):
        del sys.modules["neonize"]


install_stand_in()

from neonize.proto import Neonize_pb2 as events  # noqa: E402 - needs the stand-in
from neonize.proto.waCommon import (  # noqa: E402 - the same
    WACommon_pb2 as common,
)
from neonize.proto.waCompanionReg import (  # noqa: E402 - the same
    WAWebProtobufsCompanionReg_pb2 as companion,
)
from neonize.proto.waE2E import (  # noqa: E402 - the same
    WAWebProtobufsE2E_pb2 as e2e,
)
from neonize.proto.waHistorySync import (  # noqa: E402 - the same
    WAWebProtobufsHistorySync_pb2 as history,
)
from neonize.proto.waWeb import (  # noqa: E402 - the same
    WAWebProtobufsWeb_pb2 as web,
)

__all__ = ["common", "companion", "e2e", "events", "history", "remove_stand_in", "web"]
