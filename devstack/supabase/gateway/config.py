"""What the gateway process is told at its start, all of it by environment."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from devstack.supabase.keys import Keys

PREFIX = "ZAPBASE_GATEWAY_"
# Storage's own limit unless a project raises it; `supabase start` has the same.
LARGEST_FILE = 50 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """Addresses, keys and folders.

    `database_url` logs in as `authenticator`, which may only become the roles of API
    keys and users; `admin_url` as `supabase_admin`, for change capture, Auth and the
    parts of Storage that its own server does with elevated rights.
    """

    database_url: str
    admin_url: str
    keys: Keys
    files_dir: Path
    port: int
    host: str = "127.0.0.1"
    pool_size: int = 12
    largest_file: int = LARGEST_FILE  # bytes; a bucket may allow less, never more

    @property
    def faults_file(self) -> Path:
        """What is out of order (faults.py)."""
        return self.files_dir.with_name("faults.json")

    @property
    def jwt_secret(self) -> str:
        return self.keys.jwt_secret

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ
    ) -> GatewayConfig:
        """Read `ZAPBASE_GATEWAY_*`; a missing one raises KeyError naming it."""
        return cls(
            database_url=environment[f"{PREFIX}DATABASE_URL"],
            admin_url=environment[f"{PREFIX}ADMIN_URL"],
            keys=Keys.load(Path(environment[f"{PREFIX}KEYS_FILE"])),
            files_dir=Path(environment[f"{PREFIX}FILES_DIR"]),
            port=int(environment[f"{PREFIX}PORT"]),
            largest_file=int(environment[f"{PREFIX}LARGEST_FILE"]),
        )

    def to_environment(self, keys_file: Path) -> dict[str, str]:
        """The variables `from_environment` reads back; the keys stay in their file."""
        return {
            f"{PREFIX}DATABASE_URL": self.database_url,
            f"{PREFIX}ADMIN_URL": self.admin_url,
            f"{PREFIX}KEYS_FILE": str(keys_file),
            f"{PREFIX}FILES_DIR": str(self.files_dir),
            f"{PREFIX}PORT": str(self.port),
            f"{PREFIX}LARGEST_FILE": str(self.largest_file),
        }
