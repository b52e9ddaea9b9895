"""What the connector needs from the outside world, in its own words.

Adapters implement these; sessions, ingestion and delivery use them; main.py wires them.
"""

from connector.ports.core import (
    Clock,
    SessionId,
)
from connector.ports.device_state import (
    DeviceStates,
    LocalState,
    SealedPage,
    StoreCopy,
    StoreDraft,
)
from connector.ports.files import (
    Files,
    FileSource,
    InlineFile,
    ReadyFile,
    SealedFile,
    StoredContent,
    StoredFacts,
    StoredFiles,
    Uploads,
    UrlFile,
)
from connector.ports.media import (
    ClaimedFile,
    FetchedFile,
    FileQueue,
    FileStore,
    MediaSource,
    PictureSource,
)
from connector.ports.notes import UnrecordedResults
from connector.ports.people import (
    DueLookup,
    NumberBell,
    Numbers,
    NumberStore,
    PeopleStore,
    SavedState,
)
from connector.ports.session import (
    SessionContext,
)
from connector.ports.spool import (
    AwaitedPiece,
    Lane,
    MissingHistory,
    Spool,
    SpooledBatch,
)
from connector.ports.supabase import (
    Claim,
    Claimed,
    ClaimedRow,
    DesiredState,
    Intake,
    Lease,
    LeaseStore,
    OutboxStore,
    SessionReport,
    SessionRow,
    SessionStore,
    UnsettledRow,
    Wakeups,
)
from connector.ports.whatsapp import (
    Attempt,
    DeviceStore,
    Launcher,
    Sent,
    Signal,
    Worker,
    WorkerEvent,
)

__all__ = [
    "Attempt",
    "AwaitedPiece",
    "Claim",
    "Claimed",
    "ClaimedFile",
    "ClaimedRow",
    "Clock",
    "DesiredState",
    "DeviceStates",
    "DeviceStore",
    "DueLookup",
    "FetchedFile",
    "FileQueue",
    "FileSource",
    "FileStore",
    "Files",
    "InlineFile",
    "Intake",
    "Lane",
    "Launcher",
    "Lease",
    "LeaseStore",
    "LocalState",
    "MediaSource",
    "MissingHistory",
    "NumberBell",
    "NumberStore",
    "Numbers",
    "OutboxStore",
    "PeopleStore",
    "PictureSource",
    "ReadyFile",
    "SavedState",
    "SealedFile",
    "SealedPage",
    "Sent",
    "SessionContext",
    "SessionId",
    "SessionReport",
    "SessionRow",
    "SessionStore",
    "Signal",
    "Spool",
    "SpooledBatch",
    "StoreCopy",
    "StoreDraft",
    "StoredContent",
    "StoredFacts",
    "StoredFiles",
    "UnrecordedResults",
    "UnsettledRow",
    "Uploads",
    "UrlFile",
    "Wakeups",
    "Worker",
    "WorkerEvent",
]
