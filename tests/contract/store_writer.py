"""`python store_writer.py STORE`: what a worker does to its store, and worse, on request.

Reads a number of steps a line, takes them by chance and answers with a line. Every
transaction leaves `said` as `kept` says it is, so that half of one shows.
"""

from __future__ import annotations

import random
import sqlite3
import sys
from collections.abc import Callable, Sequence

SCHEMA = """
pragma auto_vacuum = incremental;
pragma journal_mode = wal;
create table if not exists whatsmeow_device (jid text);
create table if not exists said (id integer primary key, body blob);
create index if not exists said_by_body on said (substr(body, 1, 40));
create table if not exists kept (rows int, bytes int);
"""


class Writer:
    def __init__(self, store: str, seed: str) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - to be repeated
        self._store = store
        self._connection = self._opened()
        self._connection.executescript(SCHEMA)
        self._connection.execute("insert into whatsmeow_device values ('somebody')")
        self._connection.execute("insert into kept values (0, 0)")

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._store, isolation_level=None)
        connection.execute("pragma wal_autocheckpoint = 300")
        connection.execute("pragma synchronous = off")
        connection.execute(
            "pragma cache_size = 10"
        )  # so that it writes before it commits
        return connection

    def step(self) -> None:
        steps: dict[Callable[[], object], int] = {
            self._says: 60,
            self._changes: 30,
            self._deletes: 12,
            self._takes_back: 3,
            self._shrinks: 4,
            self._files: 3,
            self._reopens: 2,
        }
        [step] = self._chance.choices(list(steps), list(steps.values()))
        step()

    def _says(self) -> None:
        rows = [(self._body(),) for _ in range(self._chance.randint(1, 12))]
        self._all_or_nothing("insert into said (body) values (?)", rows)

    def _changes(self) -> None:
        rows = [(self._body(), self._some()) for _ in range(self._chance.randint(1, 6))]
        self._all_or_nothing("update said set body = ? where id = ?", rows)

    def _deletes(self) -> None:
        first, count = self._some(), self._chance.choice((1, 10, 100))
        rows = [(first, first + count)]
        self._all_or_nothing("delete from said where id between ? and ?", rows)

    def _takes_back(self) -> None:
        """Far enough for pages to be in the log that never count."""
        self._connection.execute("begin")
        self._connection.execute("update said set body = randomblob(900)")
        self._connection.execute("rollback")

    def _shrinks(self) -> None:
        statement = ("vacuum", "pragma incremental_vacuum(20)")
        self._connection.execute(self._chance.choice(statement)).fetchall()

    def _files(self) -> None:
        how = self._chance.choice(("passive", "full", "restart", "truncate"))
        # In vain while somebody reads; then it is not waited for.
        self._connection.execute("pragma busy_timeout = 0")
        self._connection.execute(f"pragma wal_checkpoint({how})").fetchall()

    def _reopens(self) -> None:
        self._connection.close()
        self._connection = self._opened()

    def _all_or_nothing(
        self, statement: str, rows: Sequence[tuple[object, ...]]
    ) -> None:
        self._connection.execute("begin immediate")
        self._connection.executemany(statement, rows)
        self._connection.execute(
            "update kept set (rows, bytes) ="
            " (select count(*), coalesce(sum(length(body)), 0) from said)"
        )
        self._connection.execute("commit")

    def _body(self) -> bytes:
        return self._chance.randbytes(self._chance.choice((20, 200, 9_000)))

    def _some(self) -> int:
        [last] = self._connection.execute("select max(id) from said").fetchone()
        return self._chance.randint(1, last or 1)


def main() -> None:
    writer = Writer(*sys.argv[1:])
    for line in sys.stdin:
        for _ in range(int(line)):
            writer.step()
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
