-- Purpose: the order of a chat: which queued rows hold back others (docs/outbox.md).
-- Affects: indexes on public.wa_outbox; wa_private.awaits_message, is_held_back, has_holding_rows (new).

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
      and ahead.kind not in ('read', 'typing')
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
      and ahead.kind not in ('read', 'typing')
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

revoke execute on function wa_private.awaits_message(uuid, jsonb, timestamptz) from public, anon, authenticated;
revoke execute on function wa_private.is_held_back(uuid, uuid, integer, timestamptz, bigint, timestamptz)
from public, anon, authenticated;
revoke execute on function wa_private.has_holding_rows(uuid) from public, anon, authenticated;
grant execute on function wa_private.awaits_message(uuid, jsonb, timestamptz) to service_role;
grant execute on function wa_private.is_held_back(uuid, uuid, integer, timestamptz, bigint, timestamptz)
to service_role;
grant execute on function wa_private.has_holding_rows(uuid) to service_role;
