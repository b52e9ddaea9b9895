-- Purpose: why a row of the outbox has not left yet, and until when (docs/pacing.md).
-- Affects: wa_private.waiting, reason_of_limits, reason_of_session, reason_of_chat, reason_to_wait (new).
-- (What is asked here is in later files: a function's body is read when it runs.)

create type wa_private.waiting as (reason text, until timestamptz, message text);
comment on type wa_private.waiting is 'Why a row waits, until when if that is known, and the same as a sentence.';

create function wa_private.reason_of_limits(
  p_entry public.wa_outbox, p_session public.wa_sessions, p_pace wa_private.pace, p_is_next boolean, p_now timestamptz
)
returns wa_private.waiting
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  grows constant text := case
    when wa_private.warm_up_share(p_session.linked_at, p_session.warm_up_days, p_now) < 1
      then ' The number is new: its limits grow from day to day.'
    else ''
  end;
begin
  if p_pace.any_at > p_now then
    return row(
      'pace',
      case when p_is_next then p_pace.any_at end,
      case p_pace.any_limit
        when 'day' then 'As many messages as send_per_day allows went in the last 24 hours.' || grows
        when 'minute' then 'As many messages as send_per_minute allows went in the last minute.' || grows
        else 'Messages of this number leave one after the other, send_gap_seconds apart.'
      end
    )::wa_private.waiting;
  end if;
  if p_pace.new_at > p_now and wa_private.is_first_contact(p_session.id, p_entry.chat_id, p_now) then
    return row(
      'pace',
      case when p_is_next and isfinite(p_pace.new_at) then p_pace.new_at end,
      'As many people who never wrote were written to as send_new_per_day allows in 24 hours.' || grows
    )::wa_private.waiting;
  end if;
  return null;
end;
$$;
comment on function wa_private.reason_of_limits(
  public.wa_outbox, public.wa_sessions, wa_private.pace, boolean, timestamptz
) is 'What the session''s limits say about a message that is due; null: it may go.';

create function wa_private.reason_of_session(p_entry public.wa_outbox, p_session public.wa_sessions, p_now timestamptz)
returns wa_private.waiting
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  silent_after constant interval := '2 minutes';
begin
  if p_session.state not in ('connected', 'syncing') then
    return row(
      'session_offline', null,
      'The number is not connected; it is sent once it is. ' || coalesce(p_session.state_message, '')
    )::wa_private.waiting;
  end if;
  if p_session.last_seen_at < p_now - silent_after then
    return row(
      'session_offline', null, 'The connector has not been heard of for a while; it is sent once it is back.'
    )::wa_private.waiting;
  end if;
  if p_session.paused_until > p_now and p_entry.kind <> 'read' then
    return row(
      'paused', p_session.paused_until,
      case p_session.pause_reason
        when 'member' then 'Somebody paused what this number sends.'
        else 'WhatsApp limits this number for now; it goes on by itself.'
      end
    )::wa_private.waiting;
  end if;
  return null;
end;
$$;
comment on function wa_private.reason_of_session(public.wa_outbox, public.wa_sessions, timestamptz) is
'What keeps everything of a session waiting; null: nothing.';

create function wa_private.reason_of_chat(p_entry public.wa_outbox, p_session public.wa_sessions, p_now timestamptz)
returns wa_private.waiting
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if p_entry.retry_at > p_now then
    return row(
      'retry', p_entry.retry_at, 'It is tried again. ' || coalesce(p_entry.error_message, '')
    )::wa_private.waiting;
  end if;
  if p_entry.payload ?| '{message_id,reply_to}'
    and wa_private.awaits_message(p_session.id, p_entry.payload, 'infinity')
  then
    return row('behind_another', null, 'The message that it speaks of has not been sent yet.')::wa_private.waiting;
  end if;
  if wa_private.is_held_back(
    p_session.id, p_entry.chat_id, p_entry.priority, p_entry.send_after, p_entry.seq, p_now
  ) then
    return row('behind_another', null, 'An earlier message of its chat waits, and they leave in order.')::wa_private.waiting;
  end if;
  if p_session.new_chats_paused_until > p_now and wa_private.is_stranger(p_entry.chat_id) then
    return row(
      'new_chats_paused', p_session.new_chats_paused_until,
      'WhatsApp does not let this number write to people who never wrote for now; it goes on by itself.'
    )::wa_private.waiting;
  end if;
  return null;
end;
$$;
comment on function wa_private.reason_of_chat(public.wa_outbox, public.wa_sessions, timestamptz) is
'What keeps a row, or its chat, waiting; null: nothing.';

create function wa_private.reason_to_wait(
  p_entry public.wa_outbox, p_session public.wa_sessions, p_pace wa_private.pace, p_now timestamptz
)
returns wa_private.waiting
language plpgsql
stable
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  is_message constant boolean := p_entry.kind not in ('read', 'typing');
  found_reason wa_private.waiting;
  is_next boolean;
begin
  if p_entry.state <> 'queued' then
    return row(
      'being_sent', p_entry.settle_by,
      case
        when p_entry.settle_by is null then 'It is being sent.'
        else 'It was cut off while it was sent; a receipt may still tell that it arrived.'
      end
    )::wa_private.waiting;
  end if;
  -- Whoever claims rows ends them, which nobody does while the number is offline.
  if p_entry.expires_at <= p_now then
    return row(
      'expired', null, 'expires_at has passed: it is not sent any more, and will be marked as expired.'
    )::wa_private.waiting;
  end if;
  if p_entry.send_after > p_now then
    return row('send_after', p_entry.send_after, 'It is to be sent later, as send_after says.')::wa_private.waiting;
  end if;
  found_reason := wa_private.reason_of_session(p_entry, p_session, p_now);
  if found_reason.reason is null and is_message then
    found_reason := wa_private.reason_of_chat(p_entry, p_session, p_now);
  end if;
  if found_reason.reason is not null then
    return found_reason;
  end if;

  is_next := p_entry.id = (
    select first.id
    from public.wa_outbox as first
    where first.session_id = p_session.id and first.state = 'queued' and first.send_after <= p_now
    order by first.priority desc, first.send_after, first.seq
    limit 1
  );
  if is_message then
    found_reason := wa_private.reason_of_limits(p_entry, p_session, p_pace, is_next, p_now);
  end if;
  if found_reason.reason is not null then
    return found_reason;
  end if;
  if is_next and not wa_private.is_sending(p_session.id) then
    return row('being_sent', null, 'It is about to be sent.')::wa_private.waiting;
  end if;
  return row('behind_another', null, 'Others of this number go first.')::wa_private.waiting;
end;
$$;
comment on function wa_private.reason_to_wait(
  public.wa_outbox, public.wa_sessions, wa_private.pace, timestamptz
) is 'Why a row of the outbox that is not settled waits.';

revoke execute on function wa_private.reason_of_limits(
  public.wa_outbox, public.wa_sessions, wa_private.pace, boolean, timestamptz
) from public, anon, authenticated;
revoke execute on function wa_private.reason_of_session(public.wa_outbox, public.wa_sessions, timestamptz)
from public, anon, authenticated;
revoke execute on function wa_private.reason_of_chat(public.wa_outbox, public.wa_sessions, timestamptz)
from public, anon, authenticated;
revoke execute on function wa_private.reason_to_wait(
  public.wa_outbox, public.wa_sessions, wa_private.pace, timestamptz
) from public, anon, authenticated;
grant execute on function wa_private.reason_of_limits(
  public.wa_outbox, public.wa_sessions, wa_private.pace, boolean, timestamptz
) to service_role;
grant execute on function wa_private.reason_of_session(public.wa_outbox, public.wa_sessions, timestamptz)
to service_role;
grant execute on function wa_private.reason_of_chat(public.wa_outbox, public.wa_sessions, timestamptz) to service_role;
grant execute on function wa_private.reason_to_wait(
  public.wa_outbox, public.wa_sessions, wa_private.pace, timestamptz
) to service_role;
