"""`python -m tests.benchmarks.plain_transfer`: download to a file, upload it, next one.

Takes URLs as a JSON list and prints how many seconds it took. Nothing is decrypted or
checked, and there is no database: what remains is what moving these bytes costs here.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import IO

import httpx

PATIENCE = 120.0
PIECE = 1 << 18


def main() -> None:
    urls = json.load(sys.stdin)
    with httpx.Client(timeout=PATIENCE) as client:
        started = time.monotonic()
        for number, url in enumerate(urls):
            with tempfile.TemporaryFile() as file:
                _download(client, url, file)
                _upload(client, f"bench/{number}.bin", file)
        sys.stdout.write(str(time.monotonic() - started))


def _download(client: httpx.Client, url: str, file: IO[bytes]) -> None:
    with client.stream("GET", url) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes(PIECE):
            file.write(piece)


def _upload(client: httpx.Client, path: str, file: IO[bytes]) -> None:
    size = file.tell()
    file.seek(0)
    answer = client.post(
        f"{os.environ['SUPABASE_URL']}/storage/v1/object/wa-media/{path}",
        content=_pieces(file),
        headers={
            "apikey": os.environ["SUPABASE_SECRET_KEY"],
            "content-type": "application/octet-stream",
            "content-length": str(size),
        },
    )
    answer.raise_for_status()


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


if __name__ == "__main__":
    main()
