"""Replace the Noise root key of a loaded neonize library, in this process's memory.

whatsmeow verifies the server's certificate chain against 32 bytes in a writable data
segment. Where they lie is worked out from the library's ELF headers and from
/proc/self/maps, so a new release works as long as it has these bytes exactly once.
Imports nothing of ours: it must load in whatever process runs the client.
"""

from __future__ import annotations

import ctypes
import struct
from pathlib import Path
from typing import NamedTuple

WHATSAPP_ROOT_KEY = bytes.fromhex(
    "142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b"
)
KEY_LENGTH = 32
LIBRARY_PREFIX = "neonize-linux-"
MAPS = Path("/proc/self/maps")
PAGE = 4096

ELF_MAGIC_64_LITTLE = b"\x7fELF\x02\x01"
PROGRAM_HEADER_TABLE = struct.Struct("<32xQ14xHH")  # offset, entry size, entries
PROGRAM_HEADER = struct.Struct("<IIQQQQ")  # type, flags, offset, vaddr, paddr, filesz
PT_LOAD = 1


class CannotTrust(RuntimeError):
    """The library is not what this was written for; nothing was overwritten."""


class Segment(NamedTuple):
    """Part of a library's file and the address, before relocation, it is loaded to."""

    offset: int
    address: int
    size: int


class Mapping(NamedTuple):
    """Part of this process's memory that is backed by a file."""

    start: int
    end: int
    permissions: str
    path: str


def replace_root_key(root_key: bytes) -> None:
    """Call after neonize's library is loaded and before it connects.

    Doing it twice with the same key changes nothing. Raises CannotTrust.
    """
    if len(root_key) != KEY_LENGTH:
        raise CannotTrust("the emulator's root key is not 32 bytes")
    address = _address_of_root_key()
    found = ctypes.string_at(address, KEY_LENGTH)
    if found not in (WHATSAPP_ROOT_KEY, root_key):
        raise CannotTrust("other bytes stand where WhatsApp's root key should")
    ctypes.memmove(address, root_key, KEY_LENGTH)
    if ctypes.string_at(address, KEY_LENGTH) != root_key:
        raise CannotTrust("the root key could not be overwritten")


def _address_of_root_key() -> int:
    mappings = _mappings_of_library()
    path = mappings[0].path
    library = Path(path).read_bytes()
    offset = offset_of_root_key(library)
    segments = load_segments(library)
    lowest = min(segment.address for segment in segments) & -PAGE
    relocation = min(mapping.start for mapping in mappings) - lowest
    address = relocation + virtual_address(segments, offset)
    here = next((m for m in mappings if m.start <= address < m.end), None)
    if here is None or "w" not in here.permissions:
        raise CannotTrust(f"the root key of {path} does not lie in writable memory")
    return address


def _mappings_of_library() -> list[Mapping]:
    mappings = []
    for line in MAPS.read_text().splitlines():
        region, permissions, _offset, _device, _inode, *path = line.split(maxsplit=5)
        if path and Path(path[0]).name.startswith(LIBRARY_PREFIX):
            start, end = (int(address, 16) for address in region.split("-"))
            mappings.append(Mapping(start, end, permissions, path[0]))
    if len({mapping.path for mapping in mappings}) != 1:
        raise CannotTrust("expected exactly one loaded neonize library")
    return mappings


def offset_of_root_key(library: bytes) -> int:
    occurrences = library.count(WHATSAPP_ROOT_KEY)
    if occurrences != 1:
        raise CannotTrust(f"WhatsApp's root key occurs {occurrences} times, not once")
    return library.index(WHATSAPP_ROOT_KEY)


def load_segments(library: bytes) -> list[Segment]:
    if not library.startswith(ELF_MAGIC_64_LITTLE):
        raise CannotTrust("the library is no 64-bit little-endian ELF file")
    table, size, entries = PROGRAM_HEADER_TABLE.unpack_from(library)
    headers = (
        PROGRAM_HEADER.unpack_from(library, table + number * size)
        for number in range(entries)
    )
    return [
        Segment(offset, address, file_size)
        for kind, _flags, offset, address, _physical, file_size in headers
        if kind == PT_LOAD
    ]


def virtual_address(segments: list[Segment], offset: int) -> int:
    for segment in segments:
        if segment.offset <= offset < segment.offset + segment.size:
            return segment.address + offset - segment.offset
    raise CannotTrust("the root key is in no loaded part of the library")
