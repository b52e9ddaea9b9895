-- Purpose: how a connector tells what became of a session.
-- Affects: wa_private.learn_own_addresses, wa_report_session, wa_record_event (new).
-- (Aliases are stored, and how long events are kept is said, by later files: a function's body is read when it runs.)

create function wa_private.learn_own_addresses(p_session_id uuid)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  device constant text := '[.:][0-9.:]*@';
begin
  perform wa_private.store_aliases(
    p_session_id,
    jsonb_build_array(jsonb_build_object(
      'lid', regexp_replace(session.lid, device, '@'), 'phone', regexp_replace(session.jid, device, '@')
    ))
  )
  from public.wa_sessions as session
  where session.id = p_session_id
    and session.lid like '%@lid'
    and session.jid like '%@s.whatsapp.net';
end;
$$;
comment on function wa_private.learn_own_addresses(uuid) is
'The linked number has two addresses like everybody else: what it did under either of them is one person''s.';

create function public.wa_report_session(p_session_id uuid, p_term bigint, p_report jsonb)
returns uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  reportable constant text[] := array[
    'state', 'state_code', 'state_message', 'user_action', 'qr_code', 'qr_image', 'qr_expires_at',
    'pairing_code', 'phone_number', 'jid', 'lid', 'push_name', 'sync_state', 'sync_progress',
    'connected_at', 'disconnected_at', 'last_seen_at', 'paused_until', 'pause_reason',
    'settled_revision', 'retry_at', 'linked_at'
  ];
  unknown text;
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  if p_report ?| array['jid', 'lid'] then
    perform wa_private.take_turns(p_session_id);
  end if;

  select string_agg(key, ', ') into unknown
  from jsonb_object_keys(p_report) as report (key)
  where key <> all(reportable);
  if unknown is not null then
    raise exception 'not to be reported: %', unknown using errcode = '22023';
  end if;

  update public.wa_sessions as session
  set (
      state, state_code, state_message, user_action, qr_code, qr_image, qr_expires_at,
      pairing_code, phone_number, jid, lid, push_name, sync_state, sync_progress,
      connected_at, disconnected_at, last_seen_at, paused_until, pause_reason, settled_revision, retry_at,
      linked_at, sync_updated_at
    ) = (
      select
        r.state, r.state_code, r.state_message, r.user_action, r.qr_code, r.qr_image, r.qr_expires_at,
        r.pairing_code, r.phone_number, r.jid, r.lid, r.push_name, r.sync_state, r.sync_progress,
        r.connected_at, r.disconnected_at, r.last_seen_at,
        case when paused.afresh then r.paused_until else session.paused_until end,
        case when paused.afresh then r.pause_reason else session.pause_reason end,
        r.settled_revision, r.retry_at,
        -- By this clock, like everything that the pace of sending is measured by.
        case when p_report ? 'linked_at' then now() else session.linked_at end,
        case when p_report ?| array['sync_state', 'sync_progress'] then now() else session.sync_updated_at end
      from jsonb_populate_record(session, p_report) as r
      cross join lateral (
        -- A ban pauses for as long as it lasts, and what others paused goes on after it (docs/pacing.md).
        select case
          when r.paused_until is null then session.pause_reason is not distinct from 'temporary_ban'
          else r.paused_until > coalesce(session.paused_until, '-infinity')
        end as afresh
      ) as paused
    )
  where session.id = p_session_id;
  if p_report ?| array['jid', 'lid'] then
    perform wa_private.learn_own_addresses(p_session_id);
  end if;
  return p_session_id;
end;
$$;
comment on function public.wa_report_session(uuid, bigint, jsonb) is
'Writes the given keys of p_report to the session''s row, and no others. Raises ZB001 when the term is stale.';

create function public.wa_record_event(
  p_session_id uuid, p_term bigint, p_level text, p_code text, p_message text, p_details jsonb
)
returns uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  event_id uuid;
begin
  insert into public.wa_events (workspace_id, session_id, level, code, message, details)
  select lease.workspace_id, p_session_id, p_level, p_code, p_message, coalesce(p_details, '{}')
  from wa_private.hold_lease(p_session_id, p_term, null) as lease
  returning id into event_id;
  -- As good a moment as any: what grows here is also what is swept here.
  delete from public.wa_events as event
  where event.session_id = p_session_id
    and event.created_at < wa_private.kept_since('events');
  return event_id;
end;
$$;
comment on function public.wa_record_event(uuid, bigint, text, text, text, jsonb) is
'Records one event of a session, and forgets those that are old. Raises ZB001 when the term is stale.';

revoke execute on function wa_private.learn_own_addresses(uuid) from public, anon, authenticated;
grant execute on function wa_private.learn_own_addresses(uuid) to service_role;
revoke execute on function public.wa_report_session(uuid, bigint, jsonb) from public, anon, authenticated;
revoke execute on function public.wa_record_event(uuid, bigint, text, text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.wa_report_session(uuid, bigint, jsonb) to service_role;
grant execute on function public.wa_record_event(uuid, bigint, text, text, text, jsonb) to service_role;
