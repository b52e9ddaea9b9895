-- Purpose: which connector may run a session, and until when (docs/leases.md).
-- Affects: wa_private.session_leases (new), a trigger on public.wa_sessions,
-- wa_claim_sessions, wa_renew_leases, wa_release_leases (new).

create table wa_private.session_leases (
  session_id uuid primary key references public.wa_sessions (id) on delete cascade,
  holder text constraint session_leases_holder_check check (holder <> ''),
  term bigint not null default 0,
  expires_at timestamptz not null default '-infinity'
);
comment on table wa_private.session_leases is 'Which connector runs a session, and until when.';
comment on column wa_private.session_leases.term is
'Rises each time the lease is taken; writes carrying an older term are refused. Rows are never '
'deleted while the session exists: a term that began again at 1 would let old writes through.';

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
  -- writes in flight: what the next holder reads includes all of ours.
  return query
  select lease.expires_at, session.workspace_id
  from wa_private.session_leases as lease
  inner join public.wa_sessions as session on session.id = lease.session_id
  where lease.session_id = p_session_id
    and p_term between coalesce(p_oldest_term, lease.term) and lease.term
    and p_term > 0
  for key share of lease;
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
  perform pg_advisory_xact_lock(hashtextextended('zapbase ' || p_session_id, 0));
end;
$$;
comment on function wa_private.take_turns(uuid) is
'Lets writers of one session wait for one another, where each must see what the other did.';

create function public.wa_claim_sessions(p_holder text, p_ttl interval, p_limit integer, p_held uuid[])
returns table (
  session_id uuid,
  term bigint,
  desired_state text,
  desired_revision bigint,
  pairing_phone text,
  history_days integer,
  ignore_status boolean,
  ignore_newsletters boolean,
  ignore_calls boolean,
  appear_online boolean
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with free as (
    select lease.session_id
    from wa_private.session_leases as lease
    inner join public.wa_sessions as session on session.id = lease.session_id
    where (
        lease.expires_at <= now()
        -- A connector that restarted has forgotten what it holds: it resumes at once.
        or (lease.holder = p_holder and lease.session_id <> all(coalesce(p_held, '{}')))
      )
      and (
        -- A refusal outlives the connector that met it: nobody shows a QR that nobody asked for, or
        -- fights for a socket, only because a machine was restarted.
        (
          session.desired_state = 'connected'
          and not (
            session.state in ('failed', 'logged_out', 'replaced', 'banned', 'outdated')
            and session.settled_revision is not distinct from session.desired_revision
            and coalesce(session.retry_at, 'infinity') > now()
          )
        )
        or session.state in ('pairing', 'connecting', 'syncing', 'connected', 'reconnecting')
        or (session.desired_state = 'logged_out' and session.jid is not null and session.state <> 'logged_out')
      )
      -- A ban is waited out, whoever asks: a login meanwhile makes it longer.
      and not (session.state = 'banned' and coalesce(session.retry_at, '-infinity') > now())
    order by lease.holder is not distinct from p_holder desc, lease.expires_at, lease.session_id
    limit p_limit
    for update of lease skip locked
  ),
  taken as (
    update wa_private.session_leases as lease
    set holder = p_holder, term = lease.term + 1, expires_at = now() + p_ttl
    from free
    where lease.session_id = free.session_id
    returning lease.session_id, lease.term
  )
  select
    session.id, taken.term, session.desired_state, session.desired_revision, session.pairing_phone,
    session.history_days::integer, session.ignore_status, session.ignore_newsletters, session.ignore_calls,
    session.appear_online
  from taken
  inner join public.wa_sessions as session on session.id = taken.session_id;
end;
$$;
comment on function public.wa_claim_sessions(text, interval, integer, uuid[]) is
'Takes leases of sessions with work to do: free ones, expired ones, and those of the same holder that it '
'does not list in p_held. Each begins a new term.';

create function public.wa_renew_leases(p_holder text, p_leases jsonb, p_ttl interval)
returns table (
  session_id uuid,
  term bigint,
  desired_state text,
  desired_revision bigint,
  pairing_phone text,
  history_days integer,
  ignore_status boolean,
  ignore_newsletters boolean,
  ignore_calls boolean,
  appear_online boolean
)
language sql
volatile
security invoker
set search_path = ''
as $$
  with renewed as (
    update wa_private.session_leases as lease
    set expires_at = now() + p_ttl
    from jsonb_to_recordset(p_leases) as held (session_id uuid, term bigint)
    where lease.session_id = held.session_id
      and lease.term = held.term
      and lease.holder = p_holder
      and lease.expires_at > now()
    returning lease.session_id, lease.term
  )
  select
    session.id, renewed.term, session.desired_state, session.desired_revision, session.pairing_phone,
    session.history_days::integer, session.ignore_status, session.ignore_newsletters, session.ignore_calls,
    session.appear_online
  from renewed
  inner join public.wa_sessions as session on session.id = renewed.session_id;
$$;
comment on function public.wa_renew_leases(text, jsonb, interval) is
'Extends leases [{session_id, term}]. A missing row means that term is over, also when it merely expired: '
'its holder must stop and claim anew.';

create function public.wa_release_leases(p_holder text, p_leases jsonb)
returns setof uuid
language sql
volatile
security invoker
set search_path = ''
as $$
  update wa_private.session_leases as lease
  set expires_at = now()
  from jsonb_to_recordset(p_leases) as held (session_id uuid, term bigint)
  where lease.session_id = held.session_id
    and lease.term = held.term
    and lease.holder = p_holder
    and lease.expires_at > now()
  returning lease.session_id;
$$;
comment on function public.wa_release_leases(text, jsonb) is
'Lets others have leases [{session_id, term}] at once, by expiring them.';

revoke execute on function wa_private.hold_lease(uuid, bigint, bigint) from public, anon, authenticated;
revoke execute on function wa_private.take_turns(uuid) from public, anon, authenticated;
revoke execute on function public.wa_claim_sessions(text, interval, integer, uuid[])
from public, anon, authenticated;
revoke execute on function public.wa_renew_leases(text, jsonb, interval) from public, anon, authenticated;
revoke execute on function public.wa_release_leases(text, jsonb) from public, anon, authenticated;
grant execute on function wa_private.hold_lease(uuid, bigint, bigint) to service_role;
grant execute on function wa_private.take_turns(uuid) to service_role;
grant execute on function public.wa_claim_sessions(text, interval, integer, uuid[]) to service_role;
grant execute on function public.wa_renew_leases(text, jsonb, interval) to service_role;
grant execute on function public.wa_release_leases(text, jsonb) to service_role;
