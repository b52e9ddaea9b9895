-- Purpose: which queued rows go next where something stands in the way: the order of a chat, a pause, or the session's
-- limits (docs/pacing.md, docs/outbox.md).
-- Affects: indexes on public.wa_outbox; wa_private.awaits_message, is_held_back, has_holding_rows,
-- pick_messages, pick_outbox_rows (new).

-- Rows that may hold back what follows in their chat. Empty as a rule: then nothing is compared with anything.
create index wa_outbox_holding_idx on public.wa_outbox (session_id, chat_id, priority desc, send_after, seq)
where state = 'queued' and (retry_at is not null or payload ?| '{message_id,reply_to}');
create index wa_outbox_retry_at_idx on public.wa_outbox (session_id, retry_at)
where state = 'queued' and retry_at is not null;
-- What is no message waits for no pace, and is found without reading through those that do.
create index wa_outbox_signals_idx on public.wa_outbox (session_id, priority desc, send_after, seq)
where state = 'queued' and kind in ('read', 'typing');

create function wa_private.awaits_message(p_session_id uuid, p_payload jsonb, p_due_by timestamptz)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
-- As wa_store_batch does: its plans are made while the tables are still empty, and kept.
set enable_seqscan = off
as $$
declare
  uuid_form constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
  answered constant text := p_payload ->> 'reply_to';
  changed constant text := p_payload ->> 'message_id';
  waits boolean;
begin
  -- By the messages first: planned while it is empty, an index of the session's queued rows looks as good.
  with named as materialized (
    select entry.session_id, entry.state, entry.send_after
    from public.wa_outbox as entry
    where entry.message_id in (
      case when answered ~* uuid_form then answered::uuid end, case when changed ~* uuid_form then changed::uuid end
    )
  )
  select exists (
    select from named
    where named.session_id = p_session_id
      and (named.state in ('claimed', 'sending') or (named.state = 'queued' and named.send_after <= p_due_by))
  ) into waits;
  return waits;
end;
$$;
comment on function wa_private.awaits_message(uuid, jsonb, timestamptz) is
'Whether a payload answers or changes a message that is itself still to be sent, and due by then.';

create function wa_private.is_held_back(
  p_session_id uuid, p_chat_id uuid, p_priority integer, p_send_after timestamptz, p_seq bigint, p_now timestamptz
)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
set enable_seqscan = off
as $$
begin
  -- In two parts, of which each reads no further in the index than it has to.
  return exists (
    select from public.wa_outbox as ahead
    where ahead.session_id = p_session_id
      and ahead.chat_id = p_chat_id
      and ahead.state = 'queued'
      and (ahead.retry_at is not null or ahead.payload ?| '{message_id,reply_to}')
      and ahead.priority > p_priority
      and ahead.send_after <= p_now
      and (
        ahead.retry_at > p_now
        -- Only what was inserted after it: what it waits for was inserted before, or both would wait for ever.
        or (ahead.seq < p_seq and wa_private.awaits_message(p_session_id, ahead.payload, p_now))
      )
  ) or exists (
    select from public.wa_outbox as ahead
    where ahead.session_id = p_session_id
      and ahead.chat_id = p_chat_id
      and ahead.state = 'queued'
      and (ahead.retry_at is not null or ahead.payload ?| '{message_id,reply_to}')
      and ahead.priority = p_priority
      and (ahead.send_after, ahead.seq) < (p_send_after, p_seq)
      and (
        ahead.retry_at > p_now
        or (ahead.seq < p_seq and wa_private.awaits_message(p_session_id, ahead.payload, p_now))
      )
  );
end;
$$;
comment on function wa_private.is_held_back(uuid, uuid, integer, timestamptz, bigint, timestamptz) is
'Whether an earlier row of the same chat waits to be tried again, or for a message it speaks of: the order of a chat '
'is kept.';

create function wa_private.has_holding_rows(p_session_id uuid)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
set enable_seqscan = off
as $$
begin
  return exists (
    select from public.wa_outbox as entry
    where entry.session_id = p_session_id
      and entry.state = 'queued'
      and (entry.retry_at is not null or entry.payload ?| '{message_id,reply_to}')
  );
end;
$$;
comment on function wa_private.has_holding_rows(uuid) is 'Whether anything queued could hold back another row.';

create function wa_private.pick_messages(
  p_session public.wa_sessions, p_limit integer, p_strangers text, p_now timestamptz
)
returns uuid[]
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  holding constant boolean := wa_private.has_holding_rows(p_session.id);
begin
  return array(
    select entry.id
    from public.wa_outbox as entry
    where entry.session_id = p_session.id
      and entry.state = 'queued'
      and entry.send_after <= p_now
      and coalesce(entry.retry_at, '-infinity') <= p_now
      and entry.kind not in ('read', 'typing')
      and not (
        holding
        and (
          wa_private.is_held_back(
            p_session.id, entry.chat_id, entry.priority, entry.send_after, entry.seq, p_now
          )
          or (
            entry.payload ?| '{message_id,reply_to}'
            and wa_private.awaits_message(p_session.id, entry.payload, 'infinity')
          )
        )
      )
      -- As is_first_contact and is_stranger say it, which would take four times as long for thousands that wait.
      and (
        p_strangers = 'all'
        or (select chat.kind <> 'direct' from public.wa_chats as chat where chat.id = entry.chat_id)
        or (
          select true from public.wa_messages as theirs
          where theirs.chat_id = entry.chat_id and not theirs.from_me
          limit 1
        )
        or (
          p_strangers = 'known'
          and (
            select true from wa_private.sends as earlier
            where earlier.session_id = p_session.id
              and earlier.chat_id = entry.chat_id
              and earlier.first_contact
              and earlier.at > p_now - interval '24 hours'
            limit 1
          )
        )
      )
    order by entry.priority desc, entry.send_after, entry.seq
    limit p_limit
    for update skip locked
  );
end;
$$;
comment on function wa_private.pick_messages(public.wa_sessions, integer, text, timestamptz) is
'Locks the next messages to be sent, in order. p_strangers: of people who never wrote, all of them may be written to, '
'only those written to within 24 hours (known), or none.';

create function wa_private.pick_outbox_rows(p_session public.wa_sessions, p_limit integer, p_now timestamptz)
returns uuid[]
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  paused constant boolean := coalesce(p_session.paused_until > p_now, false);
  pace wa_private.pace;
  allowed integer := p_limit;
  strangers text := 'all';
  signals uuid[];
begin
  if wa_private.is_paced(p_session) then
    -- Of two claims at once the later must see what the earlier reserved. Before any row is locked: whoever sweeps has
    -- the turn, and waits for rows.
    perform wa_private.take_turns(p_session.id);
  end if;
  signals := array(
    select entry.id
    from public.wa_outbox as entry
    where entry.session_id = p_session.id
      and entry.state = 'queued'
      and entry.kind in ('read', 'typing')
      and entry.send_after <= p_now
      and coalesce(entry.retry_at, '-infinity') <= p_now
      and (entry.kind = 'read' or not paused)
    order by entry.priority desc, entry.send_after, entry.seq
    limit p_limit
    for update skip locked
  );
  if paused then
    return signals;
  end if;
  if wa_private.is_paced(p_session) then
    pace := wa_private.pace_of(p_session, p_now);
    if pace.any_at > p_now or wa_private.is_sending(p_session.id) then
      return signals;
    end if;
    allowed := 1;
    strangers := case when pace.new_at > p_now then 'known' else 'all' end;
  end if;
  if p_session.new_chats_paused_until > p_now then
    strangers := 'none';
  end if;
  return signals || wa_private.pick_messages(
    p_session, greatest(least(allowed, p_limit - cardinality(signals)), 0), strangers, p_now
  );
end;
$$;
comment on function wa_private.pick_outbox_rows(public.wa_sessions, integer, timestamptz) is
'Locks the rows that may go now, as far as pauses, limits and the order of each chat let them. Ticks go in spite of '
'all of it, "typing" in spite of limits. A paced session''s messages go one at a time.';

revoke execute on function wa_private.awaits_message(uuid, jsonb, timestamptz) from public, anon, authenticated;
revoke execute on function wa_private.is_held_back(uuid, uuid, integer, timestamptz, bigint, timestamptz)
from public, anon, authenticated;
revoke execute on function wa_private.has_holding_rows(uuid) from public, anon, authenticated;
revoke execute on function wa_private.pick_messages(public.wa_sessions, integer, text, timestamptz)
from public, anon, authenticated;
revoke execute on function wa_private.pick_outbox_rows(public.wa_sessions, integer, timestamptz)
from public, anon, authenticated;
grant execute on function wa_private.awaits_message(uuid, jsonb, timestamptz) to service_role;
grant execute on function wa_private.is_held_back(uuid, uuid, integer, timestamptz, bigint, timestamptz)
to service_role;
grant execute on function wa_private.has_holding_rows(uuid) to service_role;
grant execute on function wa_private.pick_messages(public.wa_sessions, integer, text, timestamptz) to service_role;
grant execute on function wa_private.pick_outbox_rows(public.wa_sessions, integer, timestamptz) to service_role;
