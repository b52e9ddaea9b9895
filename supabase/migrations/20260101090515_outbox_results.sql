-- Purpose: what becomes of rows of the outbox, and of the messages that show them (docs/outbox.md).
-- Affects: wa_private.record_outbox_results, show_outbox_state, has_overdue_outbox, sweep_outbox (new).
-- (What is applied to messages is a later file: a function's body is read when it runs.)

create function wa_private.record_outbox_results(p_session_id uuid, p_results jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  settle_within constant interval := '2 minutes';
  result record;
  entry public.wa_outbox;
  chat_ids uuid[];
begin
  select array_agg(distinct named.chat_id) into chat_ids
  from jsonb_to_recordset(p_results) as row (id uuid)
  inner join public.wa_outbox as named on named.id = row.id and named.session_id = p_session_id;
  -- Chats first and by address, as everybody does who writes to several: nobody deadlocks.
  perform from public.wa_chats as chat
  where chat.id = any(chat_ids)
  order by chat.jid
  for no key update;
  for result in
    select row.*
    from jsonb_to_recordset(p_results) as row (
      id uuid, outcome text, whatsapp_id text, sent_at timestamptz,
      code text, message text, retry_after_seconds double precision
    )
    order by row.id
  loop
    update public.wa_outbox as target
    set
      state = case result.outcome
        when 'sent' then 'sent'
        when 'failed' then 'failed'
        when 'uncertain' then 'uncertain'
        when 'awaiting_receipt' then 'sending'
        else 'queued'
      end,
      whatsapp_id = coalesce(result.whatsapp_id, target.whatsapp_id),
      sent_at = case when result.outcome = 'sent' then coalesce(result.sent_at, now()) else target.sent_at end,
      settle_by = case
        when result.outcome = 'awaiting_receipt' then coalesce(target.settle_by, now() + settle_within)
      end,
      retry_at = case
        when result.outcome = 'retry' and result.retry_after_seconds > 0
          then now() + make_interval(secs => result.retry_after_seconds)
      end,
      attempts = target.attempts - (result.outcome = 'released')::integer,
      error_code = case when result.outcome in ('failed', 'uncertain', 'retry') then result.code end,
      error_message = case when result.outcome in ('failed', 'uncertain', 'retry') then result.message end
    where target.id = result.id
      and target.session_id = p_session_id
      and (
        target.state in ('claimed', 'sending')
        -- Sent is the truth, whatever was believed before.
        or (result.outcome = 'sent' and target.state not in ('sent', 'delivered', 'read'))
      )
    returning target.* into entry;
    if found then
      perform wa_private.show_outbox_state(entry);
    end if;
  end loop;
  -- What was said since it was queued is older than what is sent only now.
  perform wa_private.show_newest(chat_ids, null);
end;
$$;
comment on function wa_private.record_outbox_results(uuid, jsonb) is
'Writes how sends ended. A result for a row that is no longer claimed changes nothing, unless it says sent.';

create function wa_private.show_outbox_state(p_entry public.wa_outbox)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  -- The same message may have come back from the phone before we heard that it was sent.
  delete from public.wa_messages as echo
  where echo.session_id = p_entry.session_id
    and echo.chat_id = p_entry.chat_id
    and echo.whatsapp_id = p_entry.whatsapp_id
    and echo.from_me
    and echo.id <> p_entry.message_id;

  update public.wa_messages as message
  set
    whatsapp_id = coalesce(p_entry.whatsapp_id, message.whatsapp_id),
    sent_at = coalesce(p_entry.sent_at, message.sent_at),
    status = case
      when p_entry.state = 'sent' and message.status in ('pending', 'failed') then 'sent'
      when p_entry.state in ('failed', 'expired', 'cancelled') and message.status = 'pending' then 'failed'
      else message.status
    end
  where message.id = p_entry.message_id
    and p_entry.state <> 'queued';

  if p_entry.whatsapp_id is not null then
    perform wa_private.apply_changes(p_entry.session_id, array[p_entry.chat_id], array[p_entry.whatsapp_id]);
    perform wa_private.link_replies(p_entry.session_id, array[p_entry.chat_id], array[p_entry.whatsapp_id]);
    perform wa_private.apply_receipts(p_entry.session_id, array[p_entry.chat_id], array[p_entry.whatsapp_id]);
  end if;
end;
$$;
comment on function wa_private.show_outbox_state(public.wa_outbox) is
'Lets the message that shows an outbox row follow its state, and applies receipts, edits and replies that came first.';

create function wa_private.has_overdue_outbox(p_session_id uuid)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select exists (
    select from public.wa_outbox as entry
    where entry.session_id = p_session_id and entry.state = 'queued' and entry.expires_at <= now()
  ) or exists (
    select from public.wa_outbox as entry
    where entry.session_id = p_session_id and entry.state = 'sending' and entry.settle_by <= now()
  );
$$;
comment on function wa_private.has_overdue_outbox(uuid) is 'Whether there is anything for sweep_outbox to end.';

create function wa_private.sweep_outbox(p_session_id uuid)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  with expired as (
    update public.wa_outbox as entry
    set state = 'expired', error_code = 'expired', error_message = 'It was not sent before expires_at.'
    where entry.session_id = p_session_id
      and entry.state = 'queued'
      and entry.expires_at <= now()
    returning entry.message_id
  )
  update public.wa_messages as message
  set status = 'failed'
  from expired
  where message.id = expired.message_id
    and message.status = 'pending';

  update public.wa_outbox as entry
  set
    state = 'uncertain',
    settle_by = null,
    error_code = 'send_uncertain',
    error_message = 'The send was interrupted and no receipt came: it may have arrived.'
  where entry.session_id = p_session_id
    and entry.state = 'sending'
    and entry.settle_by <= now();
$$;
comment on function wa_private.sweep_outbox(uuid) is
'Ends what waited too long: to be sent (expired), or for its receipt (uncertain).';

revoke execute on function wa_private.record_outbox_results(uuid, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.show_outbox_state(public.wa_outbox) from public, anon, authenticated;
revoke execute on function wa_private.has_overdue_outbox(uuid) from public, anon, authenticated;
revoke execute on function wa_private.sweep_outbox(uuid) from public, anon, authenticated;
grant execute on function wa_private.record_outbox_results(uuid, jsonb) to service_role;
grant execute on function wa_private.show_outbox_state(public.wa_outbox) to service_role;
grant execute on function wa_private.has_overdue_outbox(uuid) to service_role;
grant execute on function wa_private.sweep_outbox(uuid) to service_role;
