-- Purpose: which connector may run a session, and until when (docs/leases.md).
-- Affects: wa_private.session_leases, wa_private.hold_lease, wa_private.take_turns, wa_private.ring_connectors,
-- wa_release_leases (new), a trigger on public.wa_sessions. What takes and keeps leases is in claims.sql.

create table wa_private.session_leases (
  session_id uuid primary key references public.wa_sessions (id) on delete cascade,
  holder text constraint session_leases_holder_check check (holder <> ''),
  term bigint not null default 0,
  expires_at timestamptz not null default '-infinity',
  run_by text,
  changed_hands_at timestamptz
);
comment on table wa_private.session_leases is 'Which connector runs a session, and until when.';
comment on column wa_private.session_leases.term is
'Rises each time the lease is taken; writes carrying an older term are refused. Rows are never '
'deleted while the session exists: a term that began again at 1 would let old writes through.';

comment on column wa_private.session_leases.run_by is
'The connector that held it last, also while and after a command borrows it: a command logs in nowhere.';
comment on column wa_private.session_leases.changed_hands_at is
'When it was last taken by another connector than the one before; null: there was only one.';

create index session_leases_holder_idx on wa_private.session_leases (holder, expires_at);
create index session_leases_expires_at_idx on wa_private.session_leases (expires_at);

alter table wa_private.session_leases enable row level security;
revoke all on table wa_private.session_leases from anon, authenticated;
grant select, insert, update, delete on table wa_private.session_leases to service_role;

-- security definer: whoever adds a session may not touch leases.
create function wa_private.prepare_lease()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into wa_private.session_leases (session_id) values (new.id);
  return null;
end;
$$;
comment on function wa_private.prepare_lease() is
'Trigger: each session has a lease row from the start, so that claiming only ever locks, skips and updates.';
revoke execute on function wa_private.prepare_lease() from public, anon, authenticated;

create trigger after_insert_prepare_lease
after insert on public.wa_sessions
for each row execute function wa_private.prepare_lease();

create function wa_private.hold_lease(p_session_id uuid, p_term bigint, p_oldest_term bigint)
returns table (expires_at timestamptz, workspace_id uuid)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
begin
  -- The key-share lock lets renewals through, but a takeover waits for (rather, skips)
  -- writes in flight: what the next holder reads includes all of ours. The session comes first, as for
  -- whoever deletes it: they wait for us, or we find it gone.
  return query
  select lease.expires_at, session.workspace_id
  from wa_private.session_leases as lease
  inner join public.wa_sessions as session on session.id = lease.session_id
  where lease.session_id = p_session_id
    and p_term between coalesce(p_oldest_term, lease.term) and lease.term
    and p_term > 0
  for key share of session, lease;
  if not found then
    raise exception 'lease lost' using errcode = 'ZB001';
  end if;
end;
$$;
comment on function wa_private.hold_lease(uuid, bigint, bigint) is
'Admits a write under the current term (or one since p_oldest_term), else raises ZB001.';

create function wa_private.take_turns(p_session_id uuid)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  -- Before anything of the session's, as whoever deletes it does: one order of locks, no deadlocks.
  perform from public.wa_sessions as session where session.id = p_session_id for key share;
  perform pg_advisory_xact_lock(hashtextextended('zapbase ' || p_session_id, 0));
end;
$$;
comment on function wa_private.take_turns(uuid) is
'Lets writers of one session wait for one another, where each must see what the other did.';

-- security definer: who may broadcast differs between projects.
create function wa_private.ring_connectors()
returns void
language sql
volatile
security definer
set search_path = ''
as $$
  select realtime.send('{}', 'session_changed', 'wa:connectors', true);
$$;
comment on function wa_private.ring_connectors() is 'Rings the connectors'' doorbell: there may be sessions to take.';

create function public.wa_release_leases(p_holder text, p_leases jsonb)
returns setof uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return query
  update wa_private.session_leases as lease
  set expires_at = now()
  from jsonb_to_recordset(p_leases) as held (session_id uuid, term bigint)
  where lease.session_id = held.session_id
    and lease.term = held.term
    and lease.holder = p_holder
    and lease.expires_at > now()
  returning lease.session_id;
  if found then
    perform wa_private.ring_connectors();
  end if;
end;
$$;
comment on function public.wa_release_leases(text, jsonb) is
'Lets others have leases [{session_id, term}] at once, by expiring them, and says so.';

revoke execute on function wa_private.hold_lease(uuid, bigint, bigint) from public, anon, authenticated;
revoke execute on function wa_private.take_turns(uuid) from public, anon, authenticated;
revoke execute on function wa_private.ring_connectors() from public, anon, authenticated;
revoke execute on function public.wa_release_leases(text, jsonb) from public, anon, authenticated;
grant execute on function wa_private.hold_lease(uuid, bigint, bigint) to service_role;
grant execute on function wa_private.take_turns(uuid) to service_role;
grant execute on function wa_private.ring_connectors() to service_role;
grant execute on function public.wa_release_leases(text, jsonb) to service_role;
