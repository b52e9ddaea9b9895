-- Purpose: how the connector reports what it sent and gets the next rows, in one round trip
-- (docs/outbox.md).
-- Affects: wa_exchange_outbox, wa_unsettled_outbox (new).

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
begin
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
      send_after = case
        -- At once means in its old place: those behind it must not overtake.
        when result.outcome = 'retry' and result.retry_after_seconds > 0
          then now() + make_interval(secs => result.retry_after_seconds)
        else target.send_after
      end,
      attempts = target.attempts - (result.outcome = 'released')::integer,
      error_code = case when result.outcome in ('failed', 'uncertain', 'retry') then result.code end,
      error_message = case when result.outcome in ('failed', 'uncertain', 'retry') then result.message end,
      lease_until = null
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

create function public.wa_exchange_outbox(
  p_session_id uuid, p_term bigint, p_lineage text, p_results jsonb, p_limit integer, p_lease interval
)
returns table (id uuid, "to" text, chat_jid text, kind text, payload jsonb, attempts integer, claims integer)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
  held_until timestamptz;
  in_flight boolean;
begin
  select lease.expires_at into held_until from wa_private.hold_lease(p_session_id, p_term, null) as lease;
  if jsonb_array_length(coalesce(p_results, '[]')) > 0 then
    -- A receipt may be stored at this very moment. One after the other, the later of the two sees
    -- both the message's id and its receipt; side by side, neither would, and the tick were lost.
    perform wa_private.take_turns(p_session_id);
    perform wa_private.record_outbox_results(p_session_id, p_results);
  end if;
  perform wa_private.sweep_outbox(p_session_id);

  -- An expired lease still records what is true, but begins nothing new.
  if held_until <= now() or exists (
    select from public.wa_sessions as session
    where session.id = p_session_id and session.paused_until > now()
  ) then
    return;
  end if;

  in_flight := exists (
    select from public.wa_outbox as entry
    where entry.session_id = p_session_id and entry.state = 'sending' and entry.settle_by is null
  );
  return query
  with due as (
    select entry.id
    from public.wa_outbox as entry
    where entry.session_id = p_session_id
      and entry.state = 'queued'
      and entry.send_after <= now()
    order by entry.priority desc, entry.send_after, entry.seq
    limit greatest(p_limit, 0)
    for update skip locked
  ),
  ranked as (
    select entry.id, row_number() over (order by entry.priority desc, entry.send_after, entry.seq) as place
    from due
    inner join public.wa_outbox as entry on entry.id = due.id
  ),
  claimed as (
    update public.wa_outbox as entry
    set
      state = case when ranked.place = 1 and not in_flight then 'sending' else 'claimed' end,
      attempts = entry.attempts + 1,
      claims = entry.claims + 1,
      claim_term = p_term,
      claim_lineage = p_lineage,
      lease_until = now() + p_lease
    from ranked
    where entry.id = ranked.id
    returning entry.*, ranked.place
  )
  select claimed.id, claimed."to", chat.jid, claimed.kind, claimed.payload, claimed.attempts,
    claimed.claims
  from claimed
  left join public.wa_chats as chat on chat.id = claimed.chat_id
  order by claimed.place;
end;
$$;
comment on function public.wa_exchange_outbox(uuid, bigint, text, jsonb, integer, interval) is
'Records p_results [{id, outcome, whatsapp_id, sent_at, code, message, retry_after_seconds}], where outcome is '
'sent, failed, retry, awaiting_receipt, uncertain or released; then claims up to p_limit due rows, by priority '
'(highest first), send_after, insertion. Recording twice is recording once. When an answer is lost, '
'wa_unsettled_outbox tells what it had claimed. Raises ZB001 when the term is stale.';

create function public.wa_unsettled_outbox(p_session_id uuid, p_term bigint)
returns table (id uuid, claims integer, claim_lineage text, claim_term bigint)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  return query
  select entry.id, entry.claims, entry.claim_lineage, entry.claim_term
  from public.wa_outbox as entry
  where entry.session_id = p_session_id
    and entry.state in ('claimed', 'sending')
    and entry.settle_by is null
  order by entry.seq;
end;
$$;
comment on function public.wa_unsettled_outbox(uuid, bigint) is
'Rows that were claimed and never settled, whoever claimed them. Raises ZB001 when the term is stale.';

revoke execute on function wa_private.record_outbox_results(uuid, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.show_outbox_state(public.wa_outbox) from public, anon, authenticated;
revoke execute on function wa_private.sweep_outbox(uuid) from public, anon, authenticated;
revoke execute on function public.wa_exchange_outbox(uuid, bigint, text, jsonb, integer, interval)
from public, anon, authenticated;
revoke execute on function public.wa_unsettled_outbox(uuid, bigint) from public, anon, authenticated;
grant execute on function wa_private.record_outbox_results(uuid, jsonb) to service_role;
grant execute on function wa_private.show_outbox_state(public.wa_outbox) to service_role;
grant execute on function wa_private.sweep_outbox(uuid) to service_role;
grant execute on function public.wa_exchange_outbox(uuid, bigint, text, jsonb, integer, interval) to service_role;
grant execute on function public.wa_unsettled_outbox(uuid, bigint) to service_role;
