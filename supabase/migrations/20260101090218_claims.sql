-- Purpose: connectors take sessions up to their share, and keep them (docs/leases.md).
-- Affects: wa_private.take_free_sessions, wa_private.next_free, wa_claim_sessions, wa_renew_leases (new).

create function wa_private.take_free_sessions(
  p_holder text, p_ttl interval, p_waiting uuid[], p_limit bigint, p_waited interval
)
returns setof uuid
language sql
volatile
security invoker
set search_path = ''
as $$
  with free as (
    select lease.session_id
    from wa_private.session_leases as lease
    inner join public.wa_sessions as session on session.id = lease.session_id
    left join wa_private.connectors as last on last.holder = lease.run_by
    where lease.session_id = any(p_waiting)
      and lease.expires_at <= now()
      and greatest(lease.expires_at, session.updated_at) <= now() - p_waited
      -- If the database was away for all, whoever is back first leaves the others time to be back as well:
      -- their numbers are online.
      and not coalesce(
        lease.run_by <> p_holder
        and last.shares_until <= now()
        and exists (
          select from wa_private.connectors as mine
          where mine.holder = p_holder and mine.back_at > now() - p_ttl * 2 / 3
        ),
        false
      )
    order by lease.run_by is not distinct from p_holder desc, lease.expires_at, lease.session_id
    limit greatest(p_limit, 0)
    for update of lease skip locked
  )
  update wa_private.session_leases as lease
  set
    changed_hands_at = case when lease.run_by <> p_holder then now() else lease.changed_hands_at end,
    holder = p_holder,
    run_by = p_holder,
    term = lease.term + 1,
    expires_at = now() + p_ttl
  from free
  where lease.session_id = free.session_id
  returning lease.session_id;
$$;
comment on function wa_private.take_free_sessions(text, interval, uuid[], bigint, interval) is
'Takes leases of p_waiting that nobody holds and that have been free for at least p_waited, those first that the '
'holder had before.';

create function wa_private.next_free(p_holder text, p_ttl interval, p_waiting uuid[])
returns float8
language sql
stable
security invoker
set search_path = ''
as $$
  select extract(epoch from min(free.at) - now())::float8
  from (
    -- Whoever missed a look may be dead: be there when its leases run out.
    select lease.expires_at as at
    from wa_private.session_leases as lease
    left join wa_private.connectors as connector on connector.holder = lease.holder
    where lease.expires_at > now()
      and lease.holder <> p_holder
      and coalesce(connector.looked_at, '-infinity') < now() - p_ttl * 0.4
    union all
    select greatest(lease.expires_at, session.updated_at) + p_ttl / 3
    from wa_private.session_leases as lease
    inner join public.wa_sessions as session on session.id = lease.session_id
    where lease.session_id = any(p_waiting) and lease.expires_at <= now()
    union all
    select mine.back_at + p_ttl * 2 / 3
    from wa_private.connectors as mine
    where mine.holder = p_holder and cardinality(p_waiting) > 0
  ) as free
  where free.at > now();
$$;
comment on function wa_private.next_free(text, interval, uuid[]) is
'In how many seconds there may be something to take, as far as it is known; null: it is not.';

create function public.wa_claim_sessions(
  p_holder text, p_ttl interval, p_capacity integer, p_held uuid[], p_state_keys text[]
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  taken uuid[];
  held constant bigint := (
    select count(*)
    from wa_private.session_leases as lease
    where lease.holder = p_holder and lease.expires_at > now() and lease.session_id = any(p_held)
  );
  others_keys text[];
  waiting uuid[];
  my_share bigint;
  left_to_others bigint;
begin
  insert into wa_private.connectors as connector (holder, capacity, looked_at, shares_until, state_keys)
  values (p_holder, p_capacity, now(), now() + p_ttl * 5 / 6, p_state_keys)
  on conflict (holder) do update
    set
      (capacity, looked_at, shares_until, state_keys)
        = (excluded.capacity, excluded.looked_at, excluded.shares_until, excluded.state_keys),
      -- Who looks every third of a lease and was away for no longer than this finds no lease of others over for the
      -- same reason.
      back_at = case when connector.looked_at < now() - p_ttl * 2 / 3 then now() else connector.back_at end;

  -- Whoever cannot open a number's keys would only show it as failed, while others can run it.
  others_keys := wa_private.keys_of_others(p_holder);
  waiting := array(
    select free.id
    from wa_private.waiting_sessions() as free (id)
    where not wa_private.is_sealed_by(free.id, others_keys)
  );

  -- A connector that restarted has forgotten what it holds: it resumes at once.
  with forgotten as (
    select lease.session_id
    from wa_private.session_leases as lease
    inner join wa_private.sessions_with_work as work on work.id = lease.session_id
    where lease.holder = p_holder
      and lease.expires_at > now()
      and lease.session_id <> all(coalesce(p_held, '{}'))
      and not wa_private.is_sealed_by(lease.session_id, others_keys)
    order by lease.session_id
    limit greatest(p_capacity - held, 0)
    for update of lease skip locked
  ),
  resumed as (
    update wa_private.session_leases as lease
    set term = lease.term + 1, expires_at = now() + p_ttl
    from forgotten
    where lease.session_id = forgotten.session_id
    returning lease.session_id
  )
  select coalesce(array_agg(resumed.session_id), '{}') into taken from resumed;

  select fair.share, fair.left_to_others into my_share, left_to_others
  from wa_private.fair_shares(p_holder) as fair
  where fair.holder = p_holder;
  taken := taken || array(
    select wa_private.take_free_sessions(p_holder, p_ttl, waiting, my_share - held - cardinality(taken), '0 s')
  );
  -- What those whose share it is have had the time to take, and have not, is for whoever has room.
  taken := taken || array(
    select wa_private.take_free_sessions(
      p_holder, p_ttl, waiting, p_capacity - held - cardinality(taken), p_ttl / 3
    )
  );

  return jsonb_build_object(
    'look_again', wa_private.next_free(p_holder, p_ttl, waiting),
    'left_to_others', coalesce(left_to_others, 0),
    'leases', coalesce(
      (
        select jsonb_agg(
          jsonb_build_object(
            'session_id', session.id,
            'term', lease.term,
            'other_held_ago', extract(epoch from now() - lease.changed_hands_at),
            'desired_state', session.desired_state,
            'desired_revision', session.desired_revision,
            'pairing_phone', session.pairing_phone,
            'history_days', session.history_days,
            'ignore_status', session.ignore_status,
            'ignore_newsletters', session.ignore_newsletters,
            'ignore_calls', session.ignore_calls,
            'appear_online', session.appear_online
          )
        )
        from wa_private.session_leases as lease
        inner join public.wa_sessions as session on session.id = lease.session_id
        where lease.session_id = any(taken)
      ),
      '[]'
    )
  );
end;
$$;
comment on function public.wa_claim_sessions(text, interval, integer, uuid[], text[]) is
'A connector looks for sessions to run, which is its sign of life: it has room for p_capacity, those in p_held '
'included, and the keys of these ids. Takes leases of sessions with work to do, up to its share: those it held and '
'does not list, free ones, expired ones; none that another can open and it cannot. Each begins a new term. '
'{leases: [{session_id, term, other_held_ago: seconds since another held it, or null, …}], look_again: in so many '
'seconds there may be more, or null, left_to_others: so many it cannot open, and others can}.';

create function public.wa_renew_leases(p_holder text, p_leases jsonb, p_ttl interval)
returns table (
  session_id uuid,
  term bigint,
  yields boolean,
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
  ),
  surplus as materialized (
    select surplus_session as session_id from wa_private.surplus_sessions(p_holder) as surplus_session
  )
  select
    session.id, renewed.term, session.id in (select surplus.session_id from surplus),
    session.desired_state, session.desired_revision, session.pairing_phone,
    session.history_days::integer, session.ignore_status, session.ignore_newsletters, session.ignore_calls,
    session.appear_online
  from renewed
  inner join public.wa_sessions as session on session.id = renewed.session_id;
$$;
comment on function public.wa_renew_leases(text, jsonb, interval) is
'Extends leases [{session_id, term}]. A missing row means that term is over, also when it merely expired: '
'its holder must stop and claim anew. yields: another connector should have it; stop in order, then release it.';

revoke execute on function wa_private.take_free_sessions(text, interval, uuid[], bigint, interval)
from public, anon, authenticated;
revoke execute on function wa_private.next_free(text, interval, uuid[]) from public, anon, authenticated;
revoke execute on function public.wa_claim_sessions(text, interval, integer, uuid[], text[])
from public, anon, authenticated;
revoke execute on function public.wa_renew_leases(text, jsonb, interval) from public, anon, authenticated;
grant execute on function wa_private.take_free_sessions(text, interval, uuid[], bigint, interval) to service_role;
grant execute on function wa_private.next_free(text, interval, uuid[]) to service_role;
grant execute on function public.wa_claim_sessions(text, interval, integer, uuid[], text[]) to service_role;
grant execute on function public.wa_renew_leases(text, jsonb, interval) to service_role;
