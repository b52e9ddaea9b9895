"""The generated protobuf modules of neonize, without its 19 MB Go library.

`import neonize` loads the Go runtime into the process (60 MiB, its own threads). Only
`neonize.proto` is wanted here, so a bare stand-in for the parent package is put into
`sys.modules` while the submodules load, and taken out again: a later `import neonize`
gets the real package. Whoever imported or stubbed neonize before us is left alone.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_the_go_library() -> Iterator[None]:
    """Inside, importing from `neonize.proto` runs nothing else of neonize."""
    if "neonize" in sys.modules:
        yield
        return
    spec = importlib.util.find_spec("neonize")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("neonize is not installed", name="neonize")
    stand_in = types.ModuleType("neonize")
    stand_in.__path__ = list(spec.submodule_search_locations)
    sys.modules["neonize"] = stand_in
    try:
        yield
    finally:
        if sys.modules.get("neonize") is stand_in:
            del sys.modules["neonize"]


with without_the_go_library():
    from neonize.proto.waAdv import WAAdv_pb2 as Adv
    from neonize.proto.waCert import WACert_pb2 as Cert
    from neonize.proto.waCommon import WACommon_pb2 as Common
    from neonize.proto.waCompanionReg import WACompanionReg_pb2 as CompanionReg
    from neonize.proto.waE2E import WAWebProtobufsE2E_pb2 as E2E
    from neonize.proto.waHistorySync import WAWebProtobufsHistorySync_pb2 as History
    from neonize.proto.waServerSync import WAServerSync_pb2 as ServerSync
    from neonize.proto.waSyncAction import WAWebProtobufSyncAction_pb2 as SyncAction
    from neonize.proto.waVnameCert import WAWebProtobufsVnameCert_pb2 as Vname
    from neonize.proto.waWa6 import WAWebProtobufsWa6_pb2 as Wa6
    from neonize.proto.waWeb import WAWebProtobufsWeb_pb2 as Web

__all__ = [
    "E2E",
    "Adv",
    "Cert",
    "Common",
    "CompanionReg",
    "History",
    "ServerSync",
    "SyncAction",
    "Vname",
    "Wa6",
    "Web",
    "without_the_go_library",
]
