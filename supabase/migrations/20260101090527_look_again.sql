-- Purpose: when a connector that found nothing to send looks again, and what an app sees of it (docs/pacing.md).
-- Affects: wa_private.queued_times, look_again_at, show_next_send, seconds_until_next (new).

create function wa_private.queued_times(
  p_session_id uuid, p_now timestamptz, out is_due boolean, out next_due timestamptz
)
returns record
language plpgsql
stable
security invoker
set search_path = ''
-- As wa_store_batch does: its plans are made while the outbox is still empty, and kept.
set enable_seqscan = off
as $$
begin
  select first.send_after <= p_now into is_due
  from public.wa_outbox as first
  where first.session_id = p_session_id and first.state = 'queued'
  order by first.send_after
  limit 1;
  select later.send_after into next_due
  from public.wa_outbox as later
  where later.session_id = p_session_id and later.state = 'queued' and later.send_after > p_now
  order by later.send_after
  limit 1;
end;
$$;
comment on function wa_private.queued_times(uuid, timestamptz) is
'Whether any queued row''s send_after has come (null: nothing is queued), and when the next one''s does.';

create function wa_private.look_again_at(p_session public.wa_sessions, p_now timestamptz)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  times record := wa_private.queued_times(p_session.id, p_now);
  pace wa_private.pace;
  allowed_at timestamptz := '-infinity';
  retry_at timestamptz;
  ends_at timestamptz;
begin
  if times.is_due is null then
    return null;
  end if;
  select min(entry.retry_at) into retry_at
  from public.wa_outbox as entry
  where entry.session_id = p_session.id and entry.state = 'queued' and entry.retry_at > p_now;
  -- What has expired already was more than is swept at once: the rest is for the next look.
  select case when min(entry.expires_at) <= p_now then p_now else min(entry.expires_at) end into ends_at
  from public.wa_outbox as entry
  where entry.session_id = p_session.id and entry.state = 'queued' and entry.expires_at is not null;

  if p_session.paused_until > p_now then
    allowed_at := p_session.paused_until;
  elsif times.is_due then
    pace := wa_private.pace_of(p_session, p_now);
    -- Whoever may be written to was: those who are left never wrote.
    allowed_at := case
      when pace.any_at > p_now then pace.any_at else greatest(pace.new_at, p_session.new_chats_paused_until)
    end;
  end if;
  return least(retry_at, ends_at, times.next_due, case when allowed_at > p_now then allowed_at end);
end;
$$;
comment on function wa_private.look_again_at(public.wa_sessions, timestamptz) is
'When a row that may not go now may, or ends: the earliest of what pauses, limits and rows say. Null: only when '
'something happens.';

create function wa_private.show_next_send(p_session public.wa_sessions, p_now timestamptz)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  matters constant interval := '1 second';
  pace wa_private.pace := wa_private.pace_of(p_session, p_now);
  next_at timestamptz := null;
begin
  if coalesce((wa_private.queued_times(p_session.id, p_now)).is_due, false) then
    next_at := case when pace.any_at > p_now then pace.any_at when pace.new_at > p_now then pace.new_at end;
  end if;
  -- Each write is told to everybody who watches the session: not without news.
  update public.wa_sessions as session
  set next_send_at = next_at
  where session.id = p_session.id
    and case
      when next_at is null then session.next_send_at > p_now + matters
      else coalesce(session.next_send_at not between next_at - matters and next_at + matters, true)
    end;
end;
$$;
comment on function wa_private.show_next_send(public.wa_sessions, timestamptz) is
'Keeps wa_sessions.next_send_at: when the limits let the next row go that is due.';

create function wa_private.seconds_until_next(p_session public.wa_sessions, p_now timestamptz)
returns double precision
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  longest constant interval := '1 hour';
  next_at timestamptz;
begin
  if wa_private.is_paced(p_session) then
    perform wa_private.show_next_send(p_session, p_now);
  end if;
  next_at := wa_private.look_again_at(p_session, p_now);
  -- Rounded up: who looks a moment too early finds nothing.
  return case
    when next_at is not null
      then ceil(extract(epoch from least(next_at, p_now + longest) - p_now) * 1000) / 1000
  end;
end;
$$;
comment on function wa_private.seconds_until_next(public.wa_sessions, timestamptz) is
'After how long to look again, in seconds of this clock since others differ; an hour at most.';

revoke execute on function wa_private.queued_times(uuid, timestamptz) from public, anon, authenticated;
revoke execute on function wa_private.look_again_at(public.wa_sessions, timestamptz) from public, anon, authenticated;
revoke execute on function wa_private.show_next_send(public.wa_sessions, timestamptz) from public, anon, authenticated;
grant execute on function wa_private.queued_times(uuid, timestamptz) to service_role;
grant execute on function wa_private.look_again_at(public.wa_sessions, timestamptz) to service_role;
grant execute on function wa_private.show_next_send(public.wa_sessions, timestamptz) to service_role;
revoke execute on function wa_private.seconds_until_next(public.wa_sessions, timestamptz)
from public, anon, authenticated;
grant execute on function wa_private.seconds_until_next(public.wa_sessions, timestamptz) to service_role;
