-- Purpose: a schema the API never exposes, for leases, keys and policy helpers.
-- Affects: schema wa_private (new).
-- Leaves the project's own default privileges alone: every wa_ object of these migrations
-- revokes and grants by name instead.

create schema wa_private;
comment on schema wa_private is
'Connector internals: leases, keys and policy helpers. Never add it to the API''s exposed schemas.';

grant usage on schema wa_private to authenticated, service_role;

create function wa_private.stamp_updated_at()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end;
$$;
comment on function wa_private.stamp_updated_at() is 'Trigger: says when a row last changed.';

revoke execute on function wa_private.stamp_updated_at() from public, anon, authenticated;
