-- Purpose: how far the history that the phone sends after linking has come.
-- Affects: wa_private.follow_history, wa_end_stalled_history (new).
--
--   idle, failed -> running -> done       each piece says how far it brings us; the last one, that it is the last
--                   running -> failed     nothing came for long
--   any          -> running, 0            told by wa_report_session when a phone is linked

create function wa_private.follow_history(p_session_id uuid, p_workspace_id uuid, p_items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  told integer;
begin
  -- A piece may come again after the last one: what is done stays done until a phone is linked anew.
  update public.wa_sessions as session
  set
    sync_state = case when piece.done then 'done' else 'running' end,
    sync_progress = case
      when piece.done then 100
      else greatest(session.sync_progress, least(coalesce(piece.percent, 0), 99), 0)
    end,
    sync_updated_at = now()
  from (
    select (given.percent)::integer as percent, coalesce(given.done, false) as done
    from jsonb_to_record(p_items) as given (percent numeric, done boolean)
  ) as piece
  where session.id = p_session_id
    and session.sync_state <> 'done';
  get diagnostics told = row_count;
  return told;
end;
$$;
comment on function wa_private.follow_history(uuid, uuid, jsonb) is
'Shows how far history has come: {percent, done} of its newest piece. Only rises until a phone is linked anew.';

create function public.wa_end_stalled_history(p_session_id uuid, p_term bigint, p_after interval)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  progress integer;
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  update public.wa_sessions as session
  set sync_state = 'failed', sync_updated_at = now()
  where session.id = p_session_id
    and session.sync_state = 'running'
    and coalesce(session.sync_updated_at, '-infinity') < now() - p_after
  returning session.sync_progress into progress;
  if progress is null then
    return false;
  end if;
  perform public.wa_record_event(
    p_session_id, p_term, 'warning', 'history_stalled',
    'The phone stopped sending history: keep WhatsApp open on it for a while, or link it again.',
    jsonb_build_object('sync_progress', progress)
  );
  return true;
end;
$$;
comment on function public.wa_end_stalled_history(uuid, bigint, interval) is
'Stops waiting for history of which nothing came for p_after, and says so; returns whether it did. What comes all the '
'same is stored. Raises ZB001 when the term is stale.';

revoke execute on function wa_private.follow_history(uuid, uuid, jsonb) from public, anon, authenticated;
revoke execute on function public.wa_end_stalled_history(uuid, bigint, interval) from public, anon, authenticated;
grant execute on function wa_private.follow_history(uuid, uuid, jsonb) to service_role;
grant execute on function public.wa_end_stalled_history(uuid, bigint, interval) to service_role;
