"""Every setting, read once from the environment; refuses to start when one is wrong.

README.md lists them. Values are never quoted in a complaint: they are keys
and addresses.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, cast
from urllib.parse import urlsplit

from connector.domain.capacity import MOST as MOST_NUMBERS
from connector.errors import InvalidSetting
from connector.sealing import KEY_SIZE

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
DEFAULT_DATA_DIRECTORY: Final = "/data"  # where the container's volume is mounted

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the connector needs to know; durations in seconds."""

    supabase_url: str
    supabase_secret_key: str
    state_keys: tuple[bytes, ...]  # the first one seals
    data_directory: Path
    max_sessions: int | None  # None: as many as there is memory for
    lease_seconds: float
    poll_seconds: float
    poll_blind_seconds: float
    log_level: str
    metrics_port: int | None  # None: nobody is served
    metrics_host: str  # an IP address of this machine
    spool_limit_bytes: int
    fetch_media: bool
    media_limit_bytes: int  # a file; what is larger stays at WhatsApp
    send_limit_bytes: int  # a file; what is larger is not sent
    trusted_url_hosts: frozenset[str]  # host or host:port; otherwise only public ones

    def __repr__(self) -> str:
        return f"Settings(data_directory={str(self.data_directory)!r}, …)"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check everything.

        Raises InvalidSetting with one sentence per variable that is wrong.
        """
        reading = _Reading(environment)
        settings = cls(
            supabase_url=reading.required("SUPABASE_URL", _url),
            supabase_secret_key=reading.required("SUPABASE_SECRET_KEY", _secret_key),
            state_keys=reading.required("WA_STATE_KEY", _state_keys),
            data_directory=Path(
                reading.optional("WA_DATA_DIR", str, DEFAULT_DATA_DIRECTORY)
            ),
            max_sessions=reading.optional("WA_MAX_SESSIONS", _room, "auto"),
            lease_seconds=reading.optional("WA_LEASE_SECONDS", _seconds(10, 600), "30"),
            poll_seconds=reading.optional("WA_POLL_SECONDS", _seconds(0.1, 300), "15"),
            poll_blind_seconds=reading.optional(
                "WA_POLL_BLIND_SECONDS", _seconds(0.1, 300), "2"
            ),
            log_level=reading.optional("WA_LOG_LEVEL", _log_level, "info"),
            metrics_port=reading.optional("WA_METRICS_PORT", _port_or_off, "9091"),
            metrics_host=reading.optional("WA_METRICS_HOST", _ip_address, "127.0.0.1"),
            spool_limit_bytes=reading.optional("WA_SPOOL_LIMIT_MB", _megabytes, "512"),
            fetch_media=reading.optional("WA_MEDIA", _on_or_off, "on"),
            media_limit_bytes=reading.optional("WA_MEDIA_LIMIT_MB", _megabytes, "100"),
            send_limit_bytes=reading.optional("WA_SEND_LIMIT_MB", _megabytes, "32"),
            trusted_url_hosts=reading.optional("WA_TRUSTED_URL_HOSTS", _hosts, ""),
        )
        reading.finish()
        return settings


class _Reading:
    """Collects every complaint, so that one start shows all of them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._complaints: list[str] = []

    def required(self, name: str, parse: Callable[[str], Value]) -> Value:
        text = self._environment.get(name, "").strip()
        if text:
            return self._parsed(name, parse, text)
        self._complaints.append(f"{name} is not set: set it to {_CURES[name]}.")
        return cast("Value", None)  # finish() raises before it is seen

    def optional(self, name: str, parse: Callable[[str], Value], default: str) -> Value:
        text = self._environment.get(name, "").strip()
        return self._parsed(name, parse, text or default)

    def _parsed(self, name: str, parse: Callable[[str], Value], text: str) -> Value:
        try:
            return parse(text)
        except ValueError as error:
            self._complaints.append(f"{name} {error}.")
            return cast("Value", None)  # finish() raises before it is seen

    def finish(self) -> None:
        if self._complaints:
            raise InvalidSetting("\n".join(self._complaints))


_CURES: Final = {
    "SUPABASE_URL": "the project's URL, such as https://abcd.supabase.co",
    "SUPABASE_SECRET_KEY": "the project's secret key (Settings, API keys: sb_secret_…)",
    "WA_STATE_KEY": "32 random bytes in base64, made once by: openssl rand -base64 32",
}

_BLANK: Final = re.compile(r"\s")
_NOT_A_PROJECT: Final = re.compile(r"^/dashboard\b|/(rest|auth|storage|realtime)/v1\b")
# A name or an IPv4 address, or an IPv6 one in brackets; with a port or without.
_HOST: Final = re.compile(r"([0-9a-z_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def _url(text: str) -> str:
    if not _is_project(text):
        raise ValueError(f"is not a project's URL: set it to {_CURES['SUPABASE_URL']}")
    return text.rstrip("/")


def _is_project(text: str) -> bool:
    """Whether it may be one: not the dashboard's address, nor that of one service."""
    try:
        parts = urlsplit(text)
        named = parts.hostname and parts.port != 0
    except ValueError:  # brackets, or a port that cannot be
        return False
    if parts.username or parts.query or parts.fragment or _BLANK.search(text):
        return False
    web = parts.scheme in ("http", "https")
    return bool(web and named and not _NOT_A_PROJECT.search(parts.path))


def _secret_key(text: str) -> str:
    if text.startswith("sb_publishable_"):
        raise ValueError(
            f"is a publishable key: set it to {_CURES['SUPABASE_SECRET_KEY']}"
        )
    if not text.isascii() or any(character.isspace() for character in text):
        raise ValueError(f"is not a key: set it to {_CURES['SUPABASE_SECRET_KEY']}")
    if (role := _jwt_role(text)) not in (None, "service_role"):
        raise ValueError(
            f"is a key for {role}: set it to {_CURES['SUPABASE_SECRET_KEY']}"
        )
    return text


def _jwt_role(text: str) -> str | None:
    """Whose JWT a legacy key is; None when it is none. Supabase checks the rest."""
    parts = text.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    except ValueError:
        return None
    role = claims.get("role") if isinstance(claims, dict) else None
    return role if role in ("anon", "authenticated", "service_role") else None


def _state_keys(text: str) -> tuple[bytes, ...]:
    return tuple(_state_key(part.strip()) for part in text.split(","))


def _state_key(text: str) -> bytes:
    complaint = f"holds a key that is not 32 bytes: set it to {_CURES['WA_STATE_KEY']}"
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError(complaint) from None
    if len(key) != KEY_SIZE:
        raise ValueError(complaint)
    return key


def _log_level(text: str) -> str:
    if text.lower() not in LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")
    return text.lower()


def _port_or_off(text: str) -> int | None:
    try:
        return None if text.lower() == "off" else _whole(1, 65_535)(text)
    except ValueError:
        raise ValueError("must be a port from 1 to 65535, or off") from None


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be an IP address, such as 127.0.0.1 or ::") from None


def _room(text: str) -> int | None:
    try:
        return None if text.lower() == "auto" else _whole(1, MOST_NUMBERS)(text)
    except ValueError:
        raise ValueError(
            f"must be a whole number from 1 to {MOST_NUMBERS}, or auto"
        ) from None


def _on_or_off(text: str) -> bool:
    if text.lower() not in ("on", "off"):
        raise ValueError("must be on or off")
    return text.lower() == "on"


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        complaint = f"must be a whole number from {least} to {most}"
        try:
            number = int(text)
        except ValueError:
            raise ValueError(complaint) from None
        if not least <= number <= most:
            raise ValueError(complaint)
        return number

    return parse


def _hosts(text: str) -> frozenset[str]:
    hosts = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    if not all(_HOST.fullmatch(host) for host in hosts):
        raise ValueError("must be host names, or host:port, with commas between them")
    return hosts


def _megabytes(text: str) -> int:
    return _whole(1, 1_000_000)(text) * 1024 * 1024


def _seconds(least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        complaint = f"must be a number of seconds from {least:g} to {most:g}"
        try:
            seconds = float(text)
        except ValueError:
            raise ValueError(complaint) from None
        if not least <= seconds <= most:  # also refuses nan
            raise ValueError(complaint)
        return seconds

    return parse
