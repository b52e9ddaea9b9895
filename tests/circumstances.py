"""How tests are run: as in production, and the same on every machine."""

from __future__ import annotations

import structlog
from hypothesis import settings

from connector.logs import describe_error, keep_allowed

# How long an example takes says more about the machine than about the code. Unit tests
# are run at every save, so their examples are few; others say how many they want.
settings.register_profile("zapbase", deadline=None, max_examples=15)
settings.load_profile("zapbase")

# As in production; structlog's own way draws whole tracebacks, which takes for ever.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        describe_error,
        keep_allowed,
        structlog.processors.KeyValueRenderer(),
    ]
)
