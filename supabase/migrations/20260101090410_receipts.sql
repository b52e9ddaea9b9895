-- Purpose: ticks. Receipts may come before their message, twice, or in any order; they are
-- kept for themselves and applied, forward only, to whatever message and outbox row is known.
-- Affects: wa_private.apply_receipts, keep_receipts, store_receipts, move_receipts (new).
-- (The outbox is a later file: a function's body is read when it runs.)

create function wa_private.apply_receipts(p_session_id uuid, p_chat_ids uuid[], p_whatsapp_ids text[])
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  ranks constant text[] := '{pending,failed,sent,delivered,read,played}';
  -- A receipt proves that it was sent, whatever was believed before.
  outbox_ranks constant text[] :=
  '{queued,claimed,sending,uncertain,failed,cancelled,expired,sent,delivered,read}';
  settled uuid[];
begin
  -- The outbox before the messages, here as everywhere: one order of locks, no deadlocks.
  -- Laterals, so that each row is looked up by index however stale the planner's statistics.
  with reached as (
    select
      touched.chat_id, touched.whatsapp_id, latest.delivered_at, latest.read_at,
      case when latest.rank >= array_position(ranks, 'read') then 'read' else 'delivered' end as state
    from unnest(p_chat_ids, p_whatsapp_ids) as touched (chat_id, whatsapp_id)
    cross join lateral (
      select
        max(array_position(ranks, receipt.status)) as rank,
        min(coalesce(receipt.read_at, receipt.played_at)) as read_at,
        coalesce(min(receipt.delivered_at), min(receipt.read_at), min(receipt.played_at)) as delivered_at
      from public.wa_receipts as receipt
      where receipt.chat_id = touched.chat_id
        and receipt.whatsapp_id = touched.whatsapp_id
    ) as latest
    where latest.rank is not null
  ),
  found as (
    select entry.id, entry.state as was, reached.state, reached.delivered_at, reached.read_at
    from reached
    cross join lateral (
      select sent.id, sent.state, sent.delivered_at, sent.read_at
      from (
        select named.id, named.chat_id, named.state, named.delivered_at, named.read_at
        from public.wa_outbox as named
        where named.session_id = p_session_id and named.whatsapp_id = reached.whatsapp_id
        offset 0
      ) as sent
      where sent.chat_id = reached.chat_id
      limit 1
    ) as entry
    where array_position(outbox_ranks, entry.state) < array_position(outbox_ranks, reached.state)
      or (
        entry.state = reached.state
        and (entry.delivered_at, entry.read_at) is distinct from (
          least(entry.delivered_at, reached.delivered_at), least(entry.read_at, reached.read_at)
        )
      )
  ),
  moved as (
    update public.wa_outbox as entry
    set
      state = found.state,
      sent_at = coalesce(entry.sent_at, found.delivered_at),
      -- Who was first in a group may have been forgotten since (docs/housekeeping.md).
      delivered_at = least(entry.delivered_at, found.delivered_at),
      read_at = least(entry.read_at, found.read_at),
      retry_at = null,
      settle_by = null,
      error_code = null,
      error_message = null
    from found
    where entry.id = found.id
    returning entry.id, found.was
  )
  select array_agg(moved.id) into settled from moved where moved.was not in ('sent', 'delivered', 'read');
  if settled is not null then
    perform wa_private.show_outbox_state(entry) from public.wa_outbox as entry where entry.id = any(settled);
    perform wa_private.show_newest(p_chat_ids, null);
  end if;

  with found as (
    select message.id, ranks[latest.rank] as status
    from unnest(p_chat_ids, p_whatsapp_ids) as touched (chat_id, whatsapp_id)
    cross join lateral (
      select max(array_position(ranks, receipt.status)) as rank
      from public.wa_receipts as receipt
      where receipt.chat_id = touched.chat_id
        and receipt.whatsapp_id = touched.whatsapp_id
    ) as latest
    cross join lateral (
      select ours.id, ours.status
      from (
        select named.id, named.chat_id, named.from_me, named.status
        from public.wa_messages as named
        where named.session_id = p_session_id and named.whatsapp_id = touched.whatsapp_id
        offset 0
      ) as ours
      where ours.chat_id = touched.chat_id and ours.from_me
      limit 1
    ) as message
    where array_position(ranks, message.status) < latest.rank
  )
  update public.wa_messages as message
  set status = found.status, error_code = null
  from found
  where message.id = found.id;
end;
$$;
comment on function wa_private.apply_receipts(uuid, uuid[], text[]) is
'Moves our messages, and the outbox rows they came from, forward to what their receipts say.';

create function wa_private.keep_receipts(p_receipts public.wa_receipts[])
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  ranks constant text[] := '{delivered,read,played}';
  changed integer;
begin
  insert into public.wa_receipts as receipt (
    chat_id, whatsapp_id, participant_jid, session_id, workspace_id, status, delivered_at, read_at, played_at
  )
  select
    given.chat_id, given.whatsapp_id, given.participant_jid, given.session_id, given.workspace_id,
    ranks[max(array_position(ranks, given.status))],
    min(given.delivered_at), min(given.read_at), min(given.played_at)
  from unnest(p_receipts) as given
  group by given.session_id, given.chat_id, given.whatsapp_id, given.participant_jid, given.workspace_id
  on conflict (chat_id, whatsapp_id, participant_jid) do update
  set
    status = ranks[greatest(array_position(ranks, receipt.status), array_position(ranks, excluded.status))],
    delivered_at = least(receipt.delivered_at, excluded.delivered_at),
    read_at = least(receipt.read_at, excluded.read_at),
    played_at = least(receipt.played_at, excluded.played_at)
  where array_position(ranks, excluded.status) > array_position(ranks, receipt.status)
    or least(receipt.delivered_at, excluded.delivered_at) is distinct from receipt.delivered_at
    or least(receipt.read_at, excluded.read_at) is distinct from receipt.read_at
    or least(receipt.played_at, excluded.played_at) is distinct from receipt.played_at;
  get diagnostics changed = row_count;
  return changed;
end;
$$;
comment on function wa_private.keep_receipts(public.wa_receipts[]) is
'Keeps each person''s receipt of each message once, forward only; the earliest times count.';

create function wa_private.store_receipts(
  p_session_id uuid, p_workspace_id uuid, p_receipts jsonb, p_addresses jsonb
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  receipts public.wa_receipts[];
  changed integer;
begin
  select
    array_agg(row(
      (p_addresses -> given.chat_jid ->> 'chat')::uuid, given.whatsapp_id,
      p_addresses -> given.participant_jid ->> 'jid', p_session_id, p_workspace_id, given.status,
      case when given.status = 'delivered' then given.at end,
      case when given.status = 'read' then given.at end,
      case when given.status = 'played' then given.at end
    )::public.wa_receipts)
  into receipts
  from jsonb_to_recordset(p_receipts) as given (
    chat_jid text, whatsapp_id text, participant_jid text, status text, at timestamptz
  );
  changed := wa_private.keep_receipts(receipts);
  -- Also when nothing changed: the message may have come since.
  perform wa_private.apply_receipts(p_session_id, array_agg(touched.chat_id), array_agg(touched.whatsapp_id))
  from (select distinct receipt.chat_id, receipt.whatsapp_id from unnest(receipts) as receipt) as touched;
  if wa_private.has_uncertain_outbox(p_session_id) then
    perform wa_private.settle_uncertain(p_session_id, array_agg(receipt.chat_id), array_agg(receipt.whatsapp_id))
    from unnest(receipts) as receipt;
  end if;
  return changed;
end;
$$;
comment on function wa_private.store_receipts(uuid, uuid, jsonb, jsonb) is
'Stores receipts as wa_store_batch describes them.';

create function wa_private.move_receipts(
  p_session_id uuid, p_phone_jid text, p_lid_jid text, p_from_chat_id uuid, p_into_chat_id uuid
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  moved public.wa_receipts[];
begin
  with taken as (
    delete from public.wa_receipts as receipt
    where receipt.session_id = p_session_id
      and (
        receipt.chat_id = p_from_chat_id
        or (receipt.participant_jid = p_phone_jid and receipt.participant_jid like '%@s.whatsapp.net')
      )
    returning receipt.*
  )
  select
    array_agg(row(
      case when taken.chat_id = p_from_chat_id then p_into_chat_id else taken.chat_id end,
      taken.whatsapp_id,
      case when taken.participant_jid = p_phone_jid then p_lid_jid else taken.participant_jid end,
      taken.session_id, taken.workspace_id, taken.status, taken.delivered_at, taken.read_at, taken.played_at
    )::public.wa_receipts)
  into moved
  from taken;
  perform wa_private.keep_receipts(moved);
  perform wa_private.apply_receipts(p_session_id, array_agg(receipt.chat_id), array_agg(receipt.whatsapp_id))
  from unnest(moved) as receipt;
  if p_into_chat_id is not null and wa_private.has_uncertain_outbox(p_session_id) then
    perform wa_private.settle_uncertain_chats(p_session_id, array[p_into_chat_id]);
  end if;
end;
$$;
comment on function wa_private.move_receipts(uuid, text, text, uuid, uuid) is
'Lets receipts follow a person from the phone address to the LID, and from one chat to another.';

revoke execute on function wa_private.apply_receipts(uuid, uuid[], text[]) from public, anon, authenticated;
revoke execute on function wa_private.keep_receipts(public.wa_receipts[]) from public, anon, authenticated;
revoke execute on function wa_private.store_receipts(uuid, uuid, jsonb, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.move_receipts(uuid, text, text, uuid, uuid) from public, anon, authenticated;
grant execute on function wa_private.apply_receipts(uuid, uuid[], text[]) to service_role;
grant execute on function wa_private.keep_receipts(public.wa_receipts[]) to service_role;
grant execute on function wa_private.store_receipts(uuid, uuid, jsonb, jsonb) to service_role;
grant execute on function wa_private.move_receipts(uuid, text, text, uuid, uuid) to service_role;
