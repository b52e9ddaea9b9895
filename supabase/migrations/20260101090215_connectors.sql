-- Purpose: which connectors live, by their heartbeats and looks, for the operator, for sharing sessions, and for
-- members who ask whether all is well (docs/observability.md).
-- Affects: wa_private.connectors, wa_private.heartbeat_lasts, wa_private.living_connectors (new),
-- wa_heartbeat, wa_sign_off, wa_health (new).

create table wa_private.connectors (
  holder text primary key
  constraint connectors_holder_check check (holder <> '' and length(holder) <= 300),
  version text,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now(),
  capacity integer not null default 0
  constraint connectors_capacity_check check (capacity >= 0),
  looked_at timestamptz,
  shares_until timestamptz not null default '-infinity',
  back_at timestamptz not null default '-infinity',
  state_keys text[] not null default '{}',
  session_count integer not null default 0
  constraint connectors_session_count_check check (session_count >= 0),
  figures jsonb not null default '{}'
  -- A heartbeat is written every half minute: it must stay small.
  constraint connectors_figures_check check (jsonb_typeof(figures) = 'object' and pg_column_size(figures) <= 8192)
);
comment on table wa_private.connectors is 'Connectors and their last heartbeat, for the operator.';
comment on column wa_private.connectors.capacity is
'How many sessions it has room for; 0: it takes none, or is stopping.';
comment on column wa_private.connectors.looked_at is 'When it last looked for sessions to run (wa_claim_sessions).';
comment on column wa_private.connectors.shares_until is
'Sessions are shared with it until then, unless it looks again: a little less than its leases last.';
comment on column wa_private.connectors.back_at is
'When it looked again after a silence of two thirds of a lease or more: it was away, or the database was for all.';
comment on column wa_private.connectors.state_keys is
'Ids of the keys in its WA_STATE_KEY, as in wa_private.device_states.key_id: what it can open.';
comment on column wa_private.connectors.figures is
'The same figures as one line of the connector''s log every ten minutes: numbers only, of all sessions together.';

alter table wa_private.connectors enable row level security;
revoke all on table wa_private.connectors from anon, authenticated;
grant select, insert, update, delete on table wa_private.connectors to service_role;

create function wa_private.heartbeat_lasts()
returns interval
language sql
immutable
security invoker
set search_path = ''
as $$
  select interval '100 seconds';
$$;
comment on function wa_private.heartbeat_lasts() is
'For how long a connector counts as living after a heartbeat: three of them may be lost.';

create function public.wa_heartbeat(p_holder text, p_version text, p_session_count integer, p_figures jsonb)
returns timestamptz
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  -- By this clock: connectors' own differ.
  started constant timestamptz := now() - make_interval(secs => coalesce((p_figures ->> 'uptime_seconds')::float8, 0));
begin
  insert into wa_private.connectors as connector (
    holder, version, started_at, heartbeat_at, session_count, figures
  )
  values (p_holder, p_version, started, now(), p_session_count, coalesce(p_figures, '{}'))
  on conflict (holder) do update
    set (version, started_at, heartbeat_at, session_count, figures)
      = (excluded.version, excluded.started_at, now(), excluded.session_count, excluded.figures);
  -- As good a moment as any: nobody else knows of machines that are gone for good.
  delete from wa_private.connectors as connector
  where connector.heartbeat_at < now() - interval '7 days';
  return now();
end;
$$;
comment on function public.wa_heartbeat(text, text, integer, jsonb) is
'Says that a connector lives, how many sessions it runs and its figures (`uptime_seconds` among them); forgets '
'connectors that were silent for seven days. Returns the time by this clock.';

create function public.wa_sign_off(p_holder text)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  delete from wa_private.connectors as connector
  where connector.holder = p_holder;
$$;
comment on function public.wa_sign_off(text) is
'Says that a connector stops as planned, so that nobody counts on it. One that dies is left out by its age.';

-- security definer: members may not read connectors, whose names are those of machines.
create function wa_private.living_connectors()
returns table (connectors integer, heartbeat_at timestamptz)
language sql
stable
security definer
set search_path = ''
as $$
  select
    (count(*) filter (where connector.heartbeat_at > now() - wa_private.heartbeat_lasts()))::integer,
    max(connector.heartbeat_at)
  from wa_private.connectors as connector
  -- Who is a member of nothing is told nothing; an app's server and its jobs act in a role of their own.
  where current_setting('role') in ('service_role', 'postgres', 'none')
    or exists (select from wa_private.my_workspace_ids());
$$;
comment on function wa_private.living_connectors() is 'How many connectors live, and when the last one was heard of.';

create function public.wa_health()
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'connectors', living.connectors,
    'heartbeat_at', living.heartbeat_at,
    'sessions', coalesce(
      (
        -- Row-level security leaves the caller's own.
        select jsonb_agg(
          jsonb_build_object(
            'id', session.id,
            'workspace_id', session.workspace_id,
            'name', session.name,
            'state', session.state,
            'state_code', session.state_code,
            'last_seen_at', session.last_seen_at
          )
          order by session.created_at, session.id
        )
        from public.wa_sessions as session
      ),
      '[]'
    )
  )
  from wa_private.living_connectors() as living;
$$;
comment on function public.wa_health() is
'For any member, and an app''s server: {connectors: how many live, heartbeat_at: when one was last heard of, '
'sessions: [{id, workspace_id, '
'name, state, state_code, last_seen_at}] of the caller''s workspaces}. Nothing of others, and no machine''s name.';

revoke execute on function wa_private.heartbeat_lasts() from public, anon, authenticated;
revoke execute on function wa_private.living_connectors() from public, anon, authenticated;
revoke execute on function public.wa_heartbeat(text, text, integer, jsonb) from public, anon, authenticated;
revoke execute on function public.wa_sign_off(text) from public, anon, authenticated;
revoke execute on function public.wa_health() from public, anon, authenticated;
grant execute on function wa_private.heartbeat_lasts() to service_role;
grant execute on function wa_private.living_connectors() to authenticated, service_role;
grant execute on function public.wa_heartbeat(text, text, integer, jsonb) to service_role;
grant execute on function public.wa_sign_off(text) to service_role;
grant execute on function public.wa_health() to authenticated, service_role;
