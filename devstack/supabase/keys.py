"""The five secrets of one local Supabase, made once and kept in its directory."""

from __future__ import annotations

import dataclasses
import json
import secrets
import time
from pathlib import Path
from typing import Any

import jwt

TEN_YEARS = 10 * 365 * 24 * 3600
ISSUER = "supabase-local"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """API keys of both generations, and the secret that signs every JWT (HS256).

    `publishable` and `secret` are the opaque keys of today, `anon` and `service_role`
    the JWTs they replace; both pairs act as the roles `anon` and `service_role`.
    """

    publishable: str
    secret: str
    anon: str
    service_role: str
    jwt_secret: str

    @classmethod
    def generate(cls) -> Keys:
        jwt_secret = secrets.token_urlsafe(48)
        return cls(
            publishable=f"sb_publishable_{secrets.token_urlsafe(24)}",
            secret=f"sb_secret_{secrets.token_urlsafe(24)}",
            anon=sign(jwt_secret, {"role": "anon"}, TEN_YEARS),
            service_role=sign(jwt_secret, {"role": "service_role"}, TEN_YEARS),
            jwt_secret=jwt_secret,
        )

    @classmethod
    def load(cls, path: Path) -> Keys:
        return cls(**json.loads(path.read_text("utf-8")))

    @classmethod
    def load_or_generate(cls, path: Path) -> Keys:
        """The keys kept at `path`; new ones are written there, readable by us only."""
        if path.exists():
            return cls.load(path)
        keys = cls.generate()
        # Written aside and renamed: a crash leaves no half file under the real name.
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(dataclasses.asdict(keys), indent=2), "utf-8")
        draft.replace(path)
        return keys


def sign(jwt_secret: str, claims: dict[str, Any], expires_in: float) -> str:
    """A JWT with `claims`, issued now, that expires in `expires_in` seconds."""
    now = int(time.time())
    timed = {"iss": ISSUER, "iat": now, "exp": now + int(expires_in)}
    return jwt.encode(timed | claims, jwt_secret, algorithm="HS256")
