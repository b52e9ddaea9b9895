"""What users of an app see through the unmodified supabase-js: a Node process that is asked."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from devstack.app import PATIENCE, App, Row
from devstack.supabase.project import Project

PROGRAM: Final = Path(__file__).with_name("inbox.mjs")
LONGEST_LINE: Final = 16 * 1024 * 1024


class Inbox:
    """Ask it as any user; row-level security answers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    @asynccontextmanager
    async def open(cls, supabase: Project) -> AsyncIterator[Inbox]:
        node = shutil.which("node")
        assert node is not None, "these tests need Node.js 20 or newer"
        process = await asyncio.create_subprocess_exec(
            node,
            str(PROGRAM),
            env={
                **os.environ,
                "SUPABASE_URL": supabase.url,
                "SUPABASE_PUBLISHABLE_KEY": supabase.keys.publishable,
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
        )
        inbox = cls(process)
        try:
            yield inbox
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()
            await inbox._reading

    async def rows(
        self,
        user: App,
        table: str,
        select: str,
        equal: Mapping[str, object],
        order: Sequence[str] = (),
    ) -> list[Row]:
        """The rows this user may see, filtered by equality."""
        found = await self._ask(
            user, "rows", table=table, select=select, equal=equal, order=order
        )
        assert isinstance(found, list)
        return found

    async def file(self, user: App, path: str, bucket: str = "wa-media") -> Row:
        """Open a file by a signed address: {status, type, size, sha256} or {refused}."""
        found = await self._ask(user, "file", bucket=bucket, path=path)
        assert isinstance(found, dict)
        return found

    async def _ask(self, user: App, ask: str, **about: object) -> object:
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        who = {"email": user.email, "password": user.password}
        question = {"id": number, "user": who, "ask": ask, **about}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        await self._process.stdin.drain()
        async with asyncio.timeout(PATIENCE):
            return await answer

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            answer = self._waiting.pop(said["id"])
            if answer.done():
                continue  # nobody waits for it any more
            if "error" in said:
                answer.set_exception(AssertionError(f"supabase-js: {said['error']}"))
            else:
                answer.set_result(said["answer"])
