"""Our domain's words to the JSON our RPCs take, and back; pure."""

from connector.adapters.supabase.rows.batch import Batch, batch
from connector.adapters.supabase.rows.device_state import (
    DevicePageRow,
    DeviceStateRow,
)
from connector.adapters.supabase.rows.outbox import (
    OutboxClaim,
    UnsettledOutboxRow,
    result,
)
from connector.adapters.supabase.rows.reading import Row
from connector.adapters.supabase.rows.sessions import ClaimAnswer, LeaseRow
from connector.adapters.supabase.rows.uploads import UploadRow, upload
from connector.adapters.supabase.rows.writing import Record

__all__ = [
    "Batch",
    "ClaimAnswer",
    "DevicePageRow",
    "DeviceStateRow",
    "LeaseRow",
    "OutboxClaim",
    "Record",
    "Row",
    "UnsettledOutboxRow",
    "UploadRow",
    "batch",
    "result",
    "upload",
]
