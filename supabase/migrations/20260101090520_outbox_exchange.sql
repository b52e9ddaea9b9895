-- Purpose: how the connector reports what it sent and gets the next rows, in one round trip (docs/outbox.md).
-- Affects: wa_private.claim_outbox_rows, newest_of_lineage, wa_exchange_outbox, wa_unsettled_outbox (new).
--
-- A row is {id, to, chat_id, chat_jid, kind, payload, attempts, claims, on_whatsapp, expiration_seconds, references,
-- upload}:
--
--   on_whatsapp   as checked within seven days; null: not known
--   references    the messages it speaks of (wa_private.outbox_references)
--   upload        its file, as an earlier attempt uploaded it (wa_private.upload_of)

create function wa_private.claim_outbox_rows(p_session_id uuid, p_term bigint, p_lineage text, p_ids uuid[])
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
-- As wa_store_batch does: its plans are made while the outbox is still empty, and kept.
set enable_seqscan = off
as $$
declare
  in_flight constant boolean := exists (
    select from public.wa_outbox as entry
    where entry.session_id = p_session_id and entry.state = 'sending' and entry.settle_by is null
  );
  claimed_rows jsonb;
begin
  with claimed as (
    update public.wa_outbox as entry
    set
      state = case when picked.place = 1 and not in_flight then 'sending' else 'claimed' end,
      attempts = entry.attempts + 1,
      claims = entry.claims + 1,
      claim_term = p_term,
      claim_lineage = p_lineage,
      claimed_at = now(),
      retry_at = null
    from unnest(p_ids) with ordinality as picked (id, place)
    where entry.id = picked.id
    returning
      picked.place, entry.id, entry."to", entry.chat_id, entry.kind, entry.payload, entry.attempts, entry.claims
  )
  select jsonb_agg(
    jsonb_build_object(
      'id', claimed.id, 'to', claimed."to", 'chat_id', claimed.chat_id, 'chat_jid', chat.jid,
      'kind', claimed.kind, 'payload', claimed.payload, 'attempts', claimed.attempts, 'claims', claimed.claims,
      'expiration_seconds', chat.disappearing_seconds,
      -- What most rows have nothing of is not asked for.
      'on_whatsapp', case
        when chat.jid like '%@s.whatsapp.net' then wa_private.on_whatsapp(p_session_id, chat.jid)
      end,
      'references', case
        when claimed.kind = 'read' or claimed.payload ?| '{message_id,reply_to}' then (
          select wa_private.outbox_references(named)
          from public.wa_outbox as named
          where named.id = claimed.id
        )
        else '{}'
      end,
      'upload', case
        when claimed.kind in ('image', 'video', 'gif', 'audio', 'voice', 'document', 'forward')
          then wa_private.upload_of(claimed.id)
      end
    )
    order by claimed.place
  )
  into claimed_rows
  from claimed
  left join public.wa_chats as chat on chat.id = claimed.chat_id;
  return coalesce(claimed_rows, '[]');
end;
$$;
comment on function wa_private.claim_outbox_rows(uuid, bigint, text, uuid[]) is
'Claims rows that are locked, and returns them in this order as wa_exchange_outbox does.';

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
-- All is looked up by index, one row or sixteen: to plan anew for each call cost more than to run it.
set plan_cache_mode = force_generic_plan
as $$
declare
  -- An app may have queued 100,000 for the same moment. Together they would take longer than a call may: it would be
  -- broken off each time, and what was sent never recorded.
  swept_at_once constant integer := 500;
  held_until timestamptz;
  session public.wa_sessions;
  picked uuid[];
  claimed_rows jsonb;
begin
  select lease.expires_at into held_until from wa_private.hold_lease(p_session_id, p_term, null) as lease;
  if jsonb_array_length(coalesce(p_results, '[]')) > 0 or wa_private.has_overdue_outbox(p_session_id) then
    -- A receipt may be stored at this very moment. One after the other, the later of the two sees
    -- both the message's id and its receipt; side by side, neither would, and the tick were lost.
    perform wa_private.take_turns(p_session_id);
    perform wa_private.record_outbox_results(p_session_id, coalesce(p_results, '[]'));
    perform wa_private.sweep_outbox(p_session_id, swept_at_once);
  end if;

  -- An expired lease still records what is true, but begins nothing new.
  if held_until <= now() or p_limit <= 0 then
    return '{"rows": [], "look_again_in_seconds": null}';
  end if;

  select known.* into session from public.wa_sessions as known where known.id = p_session_id;
  if wa_private.is_paced(session)
    or greatest(session.paused_until, session.new_chats_paused_until) > now()
    or wa_private.has_holding_rows(p_session_id)
  then
    picked := wa_private.pick_outbox_rows(session, p_limit, now());
  else
    picked := wa_private.pick_in_order(p_session_id, p_limit, now());
  end if;

  if picked <> '{}' then
    claimed_rows := wa_private.claim_outbox_rows(p_session_id, p_term, p_lineage, picked);
    if wa_private.is_paced(session) then
      perform wa_private.reserve_sends(p_session_id, picked, now());
    end if;
    return jsonb_build_object('rows', claimed_rows, 'look_again_in_seconds', null);
  end if;
  return jsonb_build_object(
    'rows', '[]'::jsonb, 'look_again_in_seconds', wa_private.seconds_until_next(session, now())
  );
end;
$$;
comment on function public.wa_exchange_outbox(uuid, bigint, text, jsonb, integer) is
'Records p_results [{id, claims?, outcome, whatsapp_id, sent_at, code, message, retry_after_seconds, pause {scope, '
'seconds}}], where outcome is sent, failed, retry, paused, awaiting_receipt, uncertain or released; then claims up to '
'p_limit rows that may go now, by priority (highest first), send_after, insertion. Returns {rows, '
'look_again_in_seconds}: without rows, after how long some may go or end by themselves; null: not before something '
'happens. Recording twice is recording once. When an answer is lost, wa_unsettled_outbox tells what it had claimed. '
'Raises ZB001 when the term is stale.';

create function wa_private.newest_of_lineage(p_session_id uuid, p_lineage text)
returns public.wa_outbox
language sql
stable
security invoker
set search_path = ''
as $$
  select entry.*
  from public.wa_outbox as entry
  where entry.session_id = p_session_id
    and entry.claim_lineage = p_lineage
    and entry.state in ('sent', 'delivered', 'read')
    -- What was no message left nothing in the store.
    and entry.whatsapp_id is not null
  order by entry.claimed_at desc, entry.seq desc
  limit 1;
$$;
comment on function wa_private.newest_of_lineage(uuid, text) is
'The last message that was recorded under this lineage; a row of nulls if there is none. A store that does not know it '
'is an earlier copy that kept its name.';

create function public.wa_unsettled_outbox(p_session_id uuid, p_term bigint)
returns table (
  id uuid, claims integer, claim_lineage text, claim_term bigint, witness_id uuid, witness_claims integer
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  return query
  with unsettled as (
    select entry.id, entry.claims, entry.claim_lineage, entry.claim_term, entry.seq
    from public.wa_outbox as entry
    where entry.session_id = p_session_id
      and entry.state in ('claimed', 'sending')
      and entry.settle_by is null
  ),
  witnesses as materialized (
    select named.claim_lineage, newest.id, newest.claims
    from (select distinct unsettled.claim_lineage from unsettled) as named
    cross join lateral wa_private.newest_of_lineage(p_session_id, named.claim_lineage) as newest
  )
  select
    unsettled.id, unsettled.claims, unsettled.claim_lineage, unsettled.claim_term, witnesses.id, witnesses.claims
  from unsettled
  left join witnesses on witnesses.claim_lineage = unsettled.claim_lineage
  order by unsettled.seq;
end;
$$;
comment on function public.wa_unsettled_outbox(uuid, bigint) is
'Rows that were claimed and never settled, whoever claimed them; witness_id, witness_claims: the last message recorded '
'under the same lineage, which that store must know. Raises ZB001 when the term is stale.';

revoke execute on function wa_private.claim_outbox_rows(uuid, bigint, text, uuid[]) from public, anon, authenticated;
grant execute on function wa_private.claim_outbox_rows(uuid, bigint, text, uuid[]) to service_role;
revoke execute on function wa_private.newest_of_lineage(uuid, text) from public, anon, authenticated;
grant execute on function wa_private.newest_of_lineage(uuid, text) to service_role;
revoke execute on function public.wa_exchange_outbox(uuid, bigint, text, jsonb, integer)
from public, anon, authenticated;
revoke execute on function public.wa_unsettled_outbox(uuid, bigint) from public, anon, authenticated;
grant execute on function public.wa_exchange_outbox(uuid, bigint, text, jsonb, integer) to service_role;
grant execute on function public.wa_unsettled_outbox(uuid, bigint) to service_role;
