"""Python imports this at start-up when its folder is on PYTHONPATH. See the package.

Without ZAPBASE_EMULATOR_ROOT_KEY it does nothing. With it, the import of
`neonize._binder`, which loads the Go library, is followed at once by the replacement of
the root key; should that fail, the import fails. The hook sits in `sys.meta_path`, so a
process forked before neonize was imported has it as well. Either way any other
`sitecustomize`, which this one hides, is run too.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
ROOT_KEY_VARIABLE = "ZAPBASE_EMULATOR_ROOT_KEY"
LOADS_THE_LIBRARY = "neonize._binder"


class TrustingLoader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        root_key = bytes.fromhex(os.environ[ROOT_KEY_VARIABLE])
        _module_at(HERE / "trust_root.py").replace_root_key(root_key)


class TrustingFinder(importlib.abc.MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != LOADS_THE_LIBRARY:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        spec.loader = TrustingLoader(fullname, spec.origin)
        return spec


def _module_at(path: Path) -> ModuleType:
    # By path: whoever runs may have changed sys.path, and need not know our packages.
    spec = importlib.util.spec_from_file_location(f"_zapbase_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    # A class looks its module up in there while it is being made.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _run_the_hidden_one() -> None:
    others = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if os.environ.get(ROOT_KEY_VARIABLE):
    sys.meta_path.insert(0, TrustingFinder())
_run_the_hidden_one()
