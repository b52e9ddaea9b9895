-- Purpose: how many sessions each connector should run, so that they share them evenly (docs/leases.md).
-- Affects: an index on public.wa_sessions, wa_private.sessions_with_work, wa_private.waiting_sessions,
-- wa_private.fair_shares, wa_private.surplus_sessions (new).

-- Most sessions that ever were want nothing: those that do must be found without them.
create index wa_sessions_with_work_idx on public.wa_sessions (id)
where desired_state = 'connected'
or state in ('pairing', 'connecting', 'syncing', 'connected', 'reconnecting')
or (desired_state = 'logged_out' and jid is not null and state <> 'logged_out');

create view wa_private.sessions_with_work
with (security_invoker = true)
as
select session.id
from public.wa_sessions as session
where (
    session.desired_state = 'connected'
    or session.state in ('pairing', 'connecting', 'syncing', 'connected', 'reconnecting')
    or (session.desired_state = 'logged_out' and session.jid is not null and session.state <> 'logged_out')
  )
  -- A refusal outlives the connector that met it: nobody shows a QR that nobody asked for, or
  -- fights for a socket, only because a machine was restarted.
  and not (
    session.desired_state = 'connected'
    and session.state in ('failed', 'logged_out', 'replaced', 'banned', 'outdated')
    and session.settled_revision is not distinct from session.desired_revision
    and coalesce(session.retry_at, 'infinity') > now()
  )
  -- A ban is waited out, whoever asks: a login meanwhile makes it longer.
  and not (session.state = 'banned' and coalesce(session.retry_at, '-infinity') > now());
comment on view wa_private.sessions_with_work is
'Sessions that somebody must run: they want to be connected, or do not and still are.';
revoke all on table wa_private.sessions_with_work from anon, authenticated;
grant select on table wa_private.sessions_with_work to service_role;

create function wa_private.waiting_sessions()
returns setof uuid
language sql
stable
security invoker
set search_path = ''
as $$
  select work.id
  from wa_private.sessions_with_work as work
  where not exists (
    select from wa_private.session_leases as lease
    where lease.session_id = work.id and lease.expires_at > now()
  );
$$;
comment on function wa_private.waiting_sessions() is
'Sessions with work to do that nobody holds: few as a rule, found without reading those that rest.';

create function wa_private.fair_shares(p_asks text)
returns table (holder text, held bigint, share bigint, left_to_others bigint)
language sql
stable
security invoker
set search_path = ''
as $$
  with waiting as materialized (
    select wa_private.waiting_sessions() as session_id
  ),
  total as (
    select (
      (select count(*) from wa_private.session_leases as lease where lease.expires_at > now())
      + (select count(*) from waiting)
    ) as sessions
  ),
  missing as (
    select distinct unnest(wa_private.keys_of_others(connector.holder)) as key_id
    from wa_private.connectors as connector
    where connector.shares_until > now() and connector.capacity > 0
  ),
  sealed as materialized (
    select state.key_id, count(*) as sessions
    from wa_private.device_states as state
    where state.key_id in (select missing.key_id from missing)
      -- As a rule all have the same keys, and not one row is read.
      and (select count(*) > 0 from missing)
      and state.session_id in (
        select lease.session_id
        from wa_private.session_leases as lease
        where lease.expires_at > now()
        union all
        select waiting.session_id from waiting
      )
    group by state.key_id
  ),
  living as (
    select
      connector.holder,
      -- For what it cannot open it has no room.
      least(connector.capacity, total.sessions - others.sessions) as capacity,
      others.sessions as left_to_others,
      (
        select count(*)
        from wa_private.session_leases as lease
        where lease.holder = connector.holder and lease.expires_at > now()
      ) as held
    from wa_private.connectors as connector
    cross join total
    cross join lateral (
      select coalesce(sum(sealed.sessions), 0)::bigint as sessions
      from sealed
      where sealed.key_id = any(wa_private.keys_of_others(connector.holder))
    ) as others
    where connector.shares_until > now() and connector.capacity > 0
  ),
  -- Like water poured into vessels that stand beside one another: the small ones are full first.
  by_size as (
    select
      living.*,
      coalesce(sum(living.capacity) over smaller, 0)::bigint as capacity_below,
      count(*) over () - row_number() over (order by living.capacity, living.holder) + 1 as count_above
    from living
    window smaller as (
      order by living.capacity, living.holder rows between unbounded preceding and 1 preceding
    )
  ),
  filled as (
    select
      by_size.*,
      by_size.capacity_below + by_size.capacity * by_size.count_above <= total.sessions as is_full
    from by_size
    cross join total
  ),
  rest as (
    select
      max(total.sessions) - coalesce(sum(filled.capacity) filter (where filled.is_full), 0)::bigint as sessions,
      count(*) filter (where not filled.is_full) as connectors
    from filled
    cross join total
  )
  select
    filled.holder,
    filled.held,
    case
      when filled.is_full then filled.capacity
      -- What does not divide stays with those that have it: nothing moves back and forth. If nobody has, whoever
      -- asks may: those that held most may have asked a moment ago, and come back in ten seconds.
      else rest.sessions / nullif(rest.connectors, 0) + (
        row_number() over (
          partition by filled.is_full
          order by
            filled.held > rest.sessions / nullif(rest.connectors, 0) desc,
            filled.holder is not distinct from p_asks desc,
            filled.held desc,
            filled.holder
        ) <= rest.sessions % nullif(rest.connectors, 0)
      )::integer
    end,
    filled.left_to_others
  from filled
  cross join rest;
$$;
comment on function wa_private.fair_shares(text) is
'How many sessions each living connector holds and should hold: as even as their room allows, and how many are left to '
'others because only they have the key. What does not divide goes to those that have it, then to p_asks, then to those '
'that hold most. The sessions of a connector that no longer looks are shared out among the others before its leases '
'have run out.';

create function wa_private.surplus_sessions(p_holder text)
returns setof uuid
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  -- Each is offline for a moment, and logs in on a machine that others come to as well.
  most_at_once constant integer := 3;
  cannot_open constant text[] := wa_private.keys_of_others(p_holder);
  moving bigint;
begin
  select least(
    most_at_once,
    max(fair.held - fair.share) filter (where fair.holder = p_holder),
    sum(greatest(fair.share - fair.held, 0)) filter (where fair.holder <> p_holder)
  ) into moving
  from wa_private.fair_shares(null) as fair
  having bool_or(fair.holder = p_holder) and count(*) > 1;
  if coalesce(moving, 0) <= 0 and cannot_open = '{}' then
    return;
  end if;
  return query
  with room as materialized (
    select fair.share - fair.held as sessions, wa_private.keys_of_others(fair.holder) as cannot_open
    from wa_private.fair_shares(null) as fair
    where fair.holder <> p_holder and fair.share > fair.held
  ),
  movable as (
    select
      lease.session_id, state.key_id,
      session.state_code is not distinct from 'handed_over' as is_moving,
      -- It is no use here, however few there are.
      coalesce(state.key_id = any(cannot_open), false) as is_useless,
      session.state = 'connected' as is_connected,
      row_number() over (
        partition by state.key_id
        order by
          session.state_code is not distinct from 'handed_over' desc, session.state = 'connected', lease.session_id
      ) as place
    from wa_private.session_leases as lease
    inner join public.wa_sessions as session on session.id = lease.session_id
    left join wa_private.device_states as state on state.session_id = lease.session_id
    where lease.holder = p_holder
      and lease.expires_at > now()
      -- A person may be looking at a QR code; history and a login come whole, or once more.
      and (
        session.state not in ('pairing', 'connecting', 'syncing', 'reconnecting')
        or session.state_code is not distinct from 'handed_over'
      )
      and session.sync_state <> 'running'
  )
  select movable.session_id
  from movable
  -- No more than those who can open them have room for.
  where movable.is_useless or movable.place <= (
    select sum(room.sessions) from room where (movable.key_id = any(room.cannot_open)) is not true
  )
  -- In a fixed order, so that those on their way are named again, and no others.
  order by movable.is_moving desc, movable.is_useless desc, movable.is_connected, movable.session_id
  limit greatest(
    moving, (select least(most_at_once, count(*)) from movable as useless where useless.is_useless)
  );
end;
$$;
comment on function wa_private.surplus_sessions(text) is
'Sessions that a connector holds beyond its share and should hand over now, to somebody who lives, has room and can '
'open them: a few at a time, those first that only others can open, then those without a connection, and none that is '
'linking or fetching its first history.';

revoke execute on function wa_private.waiting_sessions() from public, anon, authenticated;
revoke execute on function wa_private.fair_shares(text) from public, anon, authenticated;
revoke execute on function wa_private.surplus_sessions(text) from public, anon, authenticated;
grant execute on function wa_private.waiting_sessions() to service_role;
grant execute on function wa_private.fair_shares(text) to service_role;
grant execute on function wa_private.surplus_sessions(text) to service_role;
