"""A local Supabase without Docker: an embedded Postgres 17 and a gateway over it."""

from devstack.supabase.keys import Keys
from devstack.supabase.local import LocalSupabase, User
from devstack.supabase.postgres import Postgres
from devstack.supabase.project import Project, given_project

__all__ = ["Keys", "LocalSupabase", "Postgres", "Project", "User", "given_project"]
