-- Purpose: how the connector reports what it sent and gets the next rows, in one round trip
-- (docs/outbox.md).
-- Affects: wa_exchange_outbox, wa_unsettled_outbox (new).

create function public.wa_exchange_outbox(
  p_session_id uuid, p_term bigint, p_lineage text, p_results jsonb, p_limit integer
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
-- Why: wa_store_batch says it; what both call is planned once a connection, by whoever comes first.
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  held_until timestamptz;
  in_flight boolean;
  claimed_rows jsonb;
begin
  select lease.expires_at into held_until from wa_private.hold_lease(p_session_id, p_term, null) as lease;
  if jsonb_array_length(coalesce(p_results, '[]')) > 0 or wa_private.has_overdue_outbox(p_session_id) then
    -- A receipt may be stored at this very moment. One after the other, the later of the two sees
    -- both the message's id and its receipt; side by side, neither would, and the tick were lost.
    perform wa_private.take_turns(p_session_id);
    perform wa_private.record_outbox_results(p_session_id, coalesce(p_results, '[]'));
    perform wa_private.sweep_outbox(p_session_id);
  end if;

  -- An expired lease still records what is true, but begins nothing new.
  if held_until <= now() or exists (
    select from public.wa_sessions as session
    where session.id = p_session_id and session.paused_until > now()
  ) then
    return '{"rows": [], "look_again_in_seconds": null}';
  end if;

  in_flight := exists (
    select from public.wa_outbox as entry
    where entry.session_id = p_session_id and entry.state = 'sending' and entry.settle_by is null
  );
  with due as (
    select entry.id
    from public.wa_outbox as entry
    where entry.session_id = p_session_id
      and entry.state = 'queued'
      and entry.send_after <= now()
      and coalesce(entry.retry_at, '-infinity') <= now()
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
      claimed_at = now(),
      retry_at = null
    from ranked
    where entry.id = ranked.id
    returning entry.*, ranked.place
  )
  select
    jsonb_agg(
      jsonb_build_object(
        'id', claimed.id, 'to', claimed."to", 'chat_id', claimed.chat_id, 'chat_jid', chat.jid,
        'kind', claimed.kind, 'payload', claimed.payload, 'attempts', claimed.attempts,
        'claims', claimed.claims, 'on_whatsapp', null, 'expiration_seconds', chat.disappearing_seconds,
        'references', jsonb_build_object(), 'upload', null
      )
      order by claimed.place
    )
  into claimed_rows
  from claimed
  left join public.wa_chats as chat on chat.id = claimed.chat_id;
  return jsonb_build_object('rows', coalesce(claimed_rows, '[]'), 'look_again_in_seconds', null);
end;
$$;
comment on function public.wa_exchange_outbox(uuid, bigint, text, jsonb, integer) is
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

revoke execute on function public.wa_exchange_outbox(uuid, bigint, text, jsonb, integer)
from public, anon, authenticated;
revoke execute on function public.wa_unsettled_outbox(uuid, bigint) from public, anon, authenticated;
grant execute on function public.wa_exchange_outbox(uuid, bigint, text, jsonb, integer) to service_role;
grant execute on function public.wa_unsettled_outbox(uuid, bigint) to service_role;
