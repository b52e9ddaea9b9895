-- Purpose: a lease taken for a moment by a command of the operator's, so that no connector runs the session meanwhile
-- (docs/leases.md).
-- Affects: wa_borrow_lease (new).

create function public.wa_borrow_lease(p_session_id uuid, p_holder text, p_ttl interval)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  borrowed bigint;
begin
  -- As in wa_claim_sessions: writes in flight of a term that is over must be seen by the next one.
  update wa_private.session_leases as lease
  set holder = p_holder, term = lease.term + 1, expires_at = now() + p_ttl
  where lease.session_id in (
    select free.session_id
    from wa_private.session_leases as free
    where free.session_id = p_session_id and free.expires_at <= now()
    for update skip locked
  )
  returning lease.term into borrowed;
  return (
    select jsonb_build_object(
      'term', borrowed, 'desired_state', session.desired_state, 'state', session.state
    )
    from public.wa_sessions as session
    where session.id = p_session_id
  );
end;
$$;
comment on function public.wa_borrow_lease(uuid, text, interval) is
'Takes the lease of one session that nobody runs, whatever is wished for it: {term, desired_state, state}, the term '
'null when it is held; null when there is no such session. Given back by wa_release_leases.';

revoke execute on function public.wa_borrow_lease(uuid, text, interval) from public, anon, authenticated;
grant execute on function public.wa_borrow_lease(uuid, text, interval) to service_role;
