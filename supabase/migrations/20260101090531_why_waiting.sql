-- Purpose: what is told to people who wait for rows of the outbox to leave (docs/pacing.md).
-- Affects: wa_private.reasons_to_wait, wa_why_waiting (new).

-- security definer: members may not read the ledger of what was sent.
create function wa_private.reasons_to_wait(p_session_id uuid, p_ids uuid[])
returns table (id uuid, reason text, until timestamptz, message text)
language plpgsql
stable
security definer
set search_path = ''
set enable_seqscan = off
as $$
declare
  most_rows constant integer := 1000;
  session public.wa_sessions;
  pace wa_private.pace;
  listed uuid[];
begin
  select known.* into session
  from public.wa_sessions as known
  where known.id = p_session_id and wa_private.may_act_for(known.workspace_id);
  if not found then
    raise exception 'No session of yours has this id.' using errcode = '42501';
  end if;
  pace := wa_private.pace_of(session, now());
  -- Found first, in the order of an index, and asked about then: thousands may wait.
  listed := coalesce(p_ids, array(
    select queued.id
    from public.wa_outbox as queued
    where queued.session_id = p_session_id and queued.state = 'queued'
    order by queued.priority desc, queued.send_after, queued.seq
    limit most_rows
  ) || array(
    select taken.id from public.wa_outbox as taken
    where taken.session_id = p_session_id and taken.state in ('claimed', 'sending')
  ));
  return query
  select entry.id, why.reason, why.until, btrim(why.message)
  from (
    select known.*
    from public.wa_outbox as known
    where known.id = any(listed)
      and known.session_id = p_session_id
      and known.state in ('queued', 'claimed', 'sending')
    order by known.state = 'queued', known.priority desc, known.send_after, known.seq
    limit most_rows
  ) as entry
  cross join lateral wa_private.reason_to_wait(entry, session, pace, now()) as why
  order by entry.state = 'queued', entry.priority desc, entry.send_after, entry.seq;
end;
$$;
comment on function wa_private.reasons_to_wait(uuid, uuid[]) is 'See public.wa_why_waiting.';

create function public.wa_why_waiting(p_session_id uuid, p_ids uuid[] default null)
returns table (id uuid, reason text, until timestamptz, message text)
language sql
stable
security invoker
set search_path = ''
as $$
  select why.* from wa_private.reasons_to_wait(p_session_id, p_ids) as why;
$$;
comment on function public.wa_why_waiting(uuid, uuid[]) is
'Why rows of the outbox (p_ids; without: all, at most 1,000, in the order they leave) have not been sent: '
'session_offline, paused, new_chats_paused, pace, send_after, retry, behind_another or being_sent, until when as far '
'as that is known, and a sentence a person can read. Rows that are settled are left out.';

revoke execute on function wa_private.reasons_to_wait(uuid, uuid[]) from public, anon, authenticated;
revoke execute on function public.wa_why_waiting(uuid, uuid[]) from public, anon, authenticated;
grant execute on function wa_private.reasons_to_wait(uuid, uuid[]) to authenticated, service_role;
grant execute on function public.wa_why_waiting(uuid, uuid[]) to authenticated, service_role;
