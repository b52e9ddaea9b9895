"""Everything the connector raises on purpose.

    ConnectorError
    ├── InvalidSetting      a missing or malformed environment variable
    ├── InvalidAddress      not a phone number, JID or chat of this session
    ├── InvalidPayload      an outbox row that can never be sent
    ├── SealBroken          wrong key, or a sealed value that was changed
    │   └── StateUnreadable a number's saved keys cannot be opened, or are not whole
    ├── LeaseLost           another connector runs this session now
    ├── SupabaseUnavailable the network, the gateway or Postgres is away
    │   ├── SupabaseBusy    too many requests for now
    │   └── SupabasePaused  the project sleeps until somebody restores it
    ├── SupabaseRefused     a person has to see to it
    │   ├── KeyRefused      it is not, or no longer, a secret key of this project
    │   ├── SchemaMissing   the project lacks what the connector calls
    │   ├── OverQuota       the project is restricted, or its database read-only
    │   └── InputRefused    what was to be stored can never be stored
    ├── WorkerGone          the session's process ended or stopped answering
    ├── SpoolFull           no room to receive without risking loss
    ├── SpoolUnavailable    what a session keeps on disk cannot be used at the moment
    ├── FetchFailed         a file could not be had from WhatsApp; try again
    │   ├── MediaExpired    WhatsApp no longer has it
    │   ├── MediaTooLarge   more than we, or Storage, take
    │   ├── NoRoom          our disk is full
    │   └── MediaCorrupt    not the file that its message names
    ├── FileUnavailable     a file to be sent cannot be had for now
    │   └── StorageUnavailable  since Storage does not answer at all
    ├── LookupRefused       WhatsApp does not say who or what somebody asked for is
    └── SendFailed          WhatsApp refused, or may have taken, a message
        ├── NotConnected
        ├── RecipientUnknown
        ├── UploadFailed
        ├── SendRefused
        └── SendUncertain

Each has a stable `code`, which apps see and docs/errors.md explains, and says who can
put it right. Messages never quote a body, a number, a key or a QR code.
"""

from __future__ import annotations

import enum
from typing import ClassVar


class Retry(enum.Enum):
    """Who or what can make a failed action succeed."""

    BY_CLOCK = "by_clock"  # transient: back off and try again
    BY_PERSON = "by_person"  # scan again, fix a setting, decide what happened
    NEVER = "never"  # this input can never succeed


class ConnectorError(Exception):
    """Root of everything we raise on purpose; the default message is the docstring."""

    code: ClassVar[str]
    retry: ClassVar[Retry]

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class InvalidSetting(ConnectorError):
    """A setting is missing or malformed."""

    code = "invalid_setting"
    retry = Retry.BY_PERSON


class InvalidAddress(ConnectorError):
    """to must be a phone number with country code, a JID or a chat of this session."""

    code = "invalid_to"
    retry = Retry.NEVER


class InvalidPayload(ConnectorError):
    """The payload can never be sent as it is."""

    code = "invalid_payload"
    retry = Retry.NEVER

    def __init__(self, message: str, code: str = "invalid_payload") -> None:
        super().__init__(message)
        self.reason = code


class SealBroken(ConnectorError):
    """A sealed value does not open: wrong WA_STATE_KEY, or the value was changed."""

    code = "seal_broken"
    retry = Retry.BY_PERSON


class StateUnreadable(SealBroken):
    """A number's saved device state does not open: wrong key, or it is not whole."""

    code = "state_unreadable"


class LeaseLost(ConnectorError):
    """Another connector runs this session now."""

    code = "lease_lost"
    retry = Retry.BY_CLOCK


class SupabaseUnavailable(ConnectorError):
    """Supabase cannot be reached."""

    code = "supabase_unavailable"
    retry = Retry.BY_CLOCK


class SupabaseBusy(SupabaseUnavailable):
    """Supabase takes no more requests for now."""

    code = "supabase_busy"


class SupabasePaused(SupabaseUnavailable):
    """The Supabase project is paused: restore it in its dashboard."""

    code = "supabase_paused"
    retry = Retry.BY_PERSON


class SupabaseRefused(ConnectorError):
    """Supabase refused the request."""

    code = "supabase_refused"
    retry = Retry.BY_PERSON


class KeyRefused(SupabaseRefused):
    """Supabase does not accept SUPABASE_SECRET_KEY."""

    code = "supabase_key_refused"


class SchemaMissing(SupabaseRefused):
    """Supabase lacks a function that this version calls: push the migrations."""

    code = "supabase_schema_missing"


class OverQuota(SupabaseRefused):
    """Supabase restricts the project: look at its usage, its disk and its bills."""

    code = "supabase_over_quota"


class InputRefused(SupabaseRefused):
    """Postgres cannot store this very input."""

    code = "input_refused"
    retry = Retry.NEVER


class WorkerGone(ConnectorError):
    """The session's worker process ended or stopped answering."""

    code = "worker_gone"
    retry = Retry.BY_CLOCK


class SpoolFull(ConnectorError):
    """The spool has no room left; WhatsApp keeps new messages until it has."""

    code = "spool_full"
    retry = Retry.BY_CLOCK


class SpoolUnavailable(ConnectorError):
    """What a session keeps on disk cannot be used now: is the disk full?"""

    code = "spool_unavailable"
    retry = Retry.BY_CLOCK


class LookupRefusal(enum.StrEnum):
    """Why WhatsApp did not answer a question about people or groups."""

    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"  # hidden from us, or we are not in that group
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    FAILED = "failed"


class LookupRefused(ConnectorError):
    """WhatsApp did not answer a question about people or groups."""

    code = "lookup_refused"
    retry = Retry.BY_CLOCK

    def __init__(self, reason: LookupRefusal) -> None:
        super().__init__(f"WhatsApp did not answer a question: {reason.value}.")
        self.reason = reason


class FetchFailed(ConnectorError):
    """A file could not be fetched from WhatsApp."""

    code = "download_failed"
    retry = Retry.BY_CLOCK


class MediaExpired(FetchFailed):
    """WhatsApp no longer has the file."""

    code = "media_expired"
    retry = Retry.NEVER


class MediaTooLarge(FetchFailed):
    """The file is larger than what is stored."""

    code = "too_large"
    retry = Retry.NEVER


class NoRoom(FetchFailed):
    """There is no room on the disk for a file on its way to Storage."""

    code = "no_room"
    retry = Retry.BY_CLOCK


class MediaCorrupt(FetchFailed):
    """What WhatsApp has is not the file that the message names."""

    code = "wrong_hash"
    retry = Retry.NEVER

    def __init__(self, reason: str = "wrong_hash") -> None:
        super().__init__()
        self.reason = reason  # wrong_hash, wrong_key


class FileUnavailable(ConnectorError):
    """The file to be sent cannot be had for now."""

    code = "file_unavailable"
    retry = Retry.BY_CLOCK


class StorageUnavailable(FileUnavailable):
    """Storage does not answer: the file is sent as soon as it does."""

    code = "storage_unavailable"


class SendFailed(ConnectorError):
    """WhatsApp did not take the message."""

    code = "send_failed"
    retry = Retry.BY_CLOCK


class NotConnected(SendFailed):
    """The session was not connected; nothing was sent."""

    code = "not_connected"
    retry = Retry.BY_CLOCK


class RecipientUnknown(SendFailed):
    """to is not on WhatsApp: look at the number and its country code."""

    code = "not_on_whatsapp"
    retry = Retry.NEVER


class UploadFailed(SendFailed):
    """WhatsApp's servers did not take the file."""

    code = "upload_to_whatsapp_failed"
    retry = Retry.BY_CLOCK


class SendRefused(SendFailed):
    """WhatsApp's server refused the message."""

    code = "send_refused"
    retry = Retry.BY_CLOCK

    def __init__(self, server_code: int) -> None:
        super().__init__(f"WhatsApp's server refused the message with {server_code}.")
        self.server_code = server_code


class SendUncertain(SendFailed):
    """The connection broke after the message may have left; it may have arrived."""

    code = "send_uncertain"
    retry = Retry.BY_PERSON
