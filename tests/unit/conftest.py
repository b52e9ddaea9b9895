"""Unit tests are run at every save: their properties are tried with fewer examples."""

from __future__ import annotations

from hypothesis import settings

# It holds for the whole process: other suites have their own (Makefile).
settings.register_profile("unit", settings.get_profile("zapbase"), max_examples=15)
settings.load_profile("unit")
