"""A Supabase project as its clients know it: ours on this machine, or another one.

Another one is named by the environment, as the contract tests do:

    ZAPBASE_SUPABASE_URL, ZAPBASE_SUPABASE_PUBLISHABLE_KEY, ZAPBASE_SUPABASE_SECRET_KEY,
    ZAPBASE_DATABASE_URL (role postgres); the migrations must have been pushed to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

URL_VARIABLE: Final = "ZAPBASE_SUPABASE_URL"


class ProjectKeys(Protocol):
    @property
    def publishable(self) -> str: ...
    @property
    def secret(self) -> str: ...


class Project(Protocol):
    @property
    def url(self) -> str: ...
    @property
    def keys(self) -> ProjectKeys: ...
    @property
    def database_url(self) -> str: ...


@dataclass(frozen=True, slots=True)
class GivenKeys:
    publishable: str
    secret: str


@dataclass(frozen=True, slots=True)
class GivenProject:
    """`supabase start`, or a hosted project."""

    url: str
    keys: GivenKeys
    database_url: str


def given_project(environ: Mapping[str, str]) -> GivenProject | None:
    """The project that the environment names, if it names one. Raises KeyError."""
    if URL_VARIABLE not in environ:
        return None
    return GivenProject(
        url=environ[URL_VARIABLE],
        keys=GivenKeys(
            publishable=environ["ZAPBASE_SUPABASE_PUBLISHABLE_KEY"],
            secret=environ["ZAPBASE_SUPABASE_SECRET_KEY"],
        ),
        database_url=environ["ZAPBASE_DATABASE_URL"],
    )
