"""A local Supabase without Docker: an embedded Postgres 17 and a gateway over it.

`local.LocalSupabase` starts one. Nothing is imported here: whoever needs a part of it
need not load the servers.
"""
