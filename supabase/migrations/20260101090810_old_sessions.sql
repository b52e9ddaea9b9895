-- Purpose: what is left of sessions: codes nobody scanned, numbers nobody uses, and events of long ago.
-- Affects: public.wa_sessions.idle_since, a trigger on public.wa_sessions, wa_private.forget_codes,
-- flag_idle_sessions, forget_events (new).

alter table public.wa_sessions add column idle_since timestamptz;
comment on column public.wa_sessions.idle_since is
'Since when the number has not been connected, once that is seven days ago; null: it is in use, or was until lately. '
'Nothing is deleted for it.';

create function wa_private.end_idleness()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  new.idle_since := null;
  return new;
end;
$$;
comment on function wa_private.end_idleness() is 'Trigger: whoever connects a number again uses it.';
revoke execute on function wa_private.end_idleness() from public, anon, authenticated;

create trigger before_update_end_idleness
before update of state on public.wa_sessions
for each row when (
  old.idle_since is not null
  and new.state in ('pairing', 'connecting', 'syncing', 'connected', 'reconnecting')
)
execute function wa_private.end_idleness();

create function wa_private.forget_codes(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  oldest constant timestamptz := wa_private.kept_since('codes');
  forgotten integer;
begin
  update public.wa_sessions as session
  set qr_code = null, qr_image = null, qr_expires_at = null, pairing_code = null
  where session.id in (
    select stale.id
    from public.wa_sessions as stale
    where num_nonnulls(stale.qr_code, stale.qr_image, stale.pairing_code) > 0
      and coalesce(stale.qr_expires_at, stale.updated_at) < oldest
    limit p_limit
    for no key update skip locked
  );
  get diagnostics forgotten = row_count;
  return forgotten;
end;
$$;
comment on function wa_private.forget_codes(integer) is
'Clears QR and pairing codes that a connector showed and never took back, since it died; returns of how many sessions.';

create function wa_private.flag_idle_sessions(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  oldest constant timestamptz := wa_private.kept_since('idle_sessions');
  flagged integer;
begin
  with idle as (
    update public.wa_sessions as session
    set idle_since = greatest(session.disconnected_at, session.last_seen_at)
    where session.id in (
      select unused.id
      from public.wa_sessions as unused
      where unused.idle_since is null
        -- In any other it is to be connected, and whoever should see to that may be away.
        and unused.state in ('disconnected', 'logged_out', 'banned', 'outdated', 'replaced', 'failed')
        and greatest(unused.disconnected_at, unused.last_seen_at) < oldest
      limit p_limit
      for no key update skip locked
    )
    returning session.id, session.workspace_id, session.state, session.idle_since
  )
  insert into public.wa_events (workspace_id, session_id, level, code, message, details)
  select
    idle.workspace_id, idle.id, 'info', 'session_idle',
    'The number has not been connected for a while: connect it again, or delete the session if nobody needs it.',
    jsonb_build_object('state', idle.state, 'idle_since', idle.idle_since)
  from idle;
  get diagnostics flagged = row_count;
  return flagged;
end;
$$;
comment on function wa_private.flag_idle_sessions(integer) is
'Says once, by idle_since and an event, which sessions were connected and are not any more; returns how many.';

create function wa_private.forget_events(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
-- As wa_store_batch does: its plans are made while the tables are still empty, and kept.
set enable_seqscan = off
as $$
declare
  oldest constant timestamptz := wa_private.kept_since('events');
  forgotten integer;
begin
  delete from public.wa_events as old
  where old.id in (
    select past.id
    from public.wa_workspaces as tenant
    cross join lateral (
      select event.id
      from public.wa_events as event
      where event.workspace_id = tenant.id and event.created_at < oldest
      limit p_limit
    ) as past
    limit p_limit
  );
  get diagnostics forgotten = row_count;
  return forgotten;
end;
$$;
comment on function wa_private.forget_events(integer) is
'Deletes old events, also of sessions that have no new ones; returns how many.';

revoke execute on function wa_private.forget_codes(integer) from public, anon, authenticated;
revoke execute on function wa_private.flag_idle_sessions(integer) from public, anon, authenticated;
revoke execute on function wa_private.forget_events(integer) from public, anon, authenticated;
grant execute on function wa_private.forget_codes(integer) to service_role;
grant execute on function wa_private.flag_idle_sessions(integer) to service_role;
grant execute on function wa_private.forget_events(integer) to service_role;
