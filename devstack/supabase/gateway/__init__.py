"""The HTTP and WebSocket face of the local Supabase, over a real Postgres.

One process serves `/rest/v1`, `/realtime/v1`, `/storage/v1` and `/auth/v1`. What it
does not serve it refuses in the shape of the server it stands in for.
"""
