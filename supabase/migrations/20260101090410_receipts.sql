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
  outbox_ranks constant text[] := '{sending,uncertain,sent,delivered,read}';
begin
  -- The outbox before the messages, here as everywhere: one order of locks, no deadlocks.
  with reached as (
    select
      receipt.chat_id, receipt.whatsapp_id, max(array_position(ranks, receipt.status)) as rank,
      min(receipt.delivered_at) as delivered_at,
      min(coalesce(receipt.read_at, receipt.played_at)) as read_at
    from unnest(p_chat_ids, p_whatsapp_ids) as touched (chat_id, whatsapp_id)
    inner join public.wa_receipts as receipt
      on receipt.session_id = p_session_id
      and receipt.chat_id = touched.chat_id
      and receipt.whatsapp_id = touched.whatsapp_id
    group by receipt.chat_id, receipt.whatsapp_id
  )
  update public.wa_outbox as entry
  set
    state = case when reached.rank >= array_position(ranks, 'read') then 'read' else 'delivered' end,
    sent_at = coalesce(entry.sent_at, reached.delivered_at, reached.read_at),
    delivered_at = coalesce(reached.delivered_at, reached.read_at),
    read_at = reached.read_at,
    settle_by = null,
    error_code = null,
    error_message = null
  from reached
  where entry.session_id = p_session_id
    and entry.whatsapp_id = reached.whatsapp_id
    and entry.chat_id = reached.chat_id
    and entry.state = any(outbox_ranks)
    and (
      array_position(outbox_ranks, entry.state)
      < array_position(
        outbox_ranks, case when reached.rank >= array_position(ranks, 'read') then 'read' else 'delivered' end
      )
      or entry.delivered_at is distinct from coalesce(reached.delivered_at, reached.read_at)
      or entry.read_at is distinct from reached.read_at
    );

  with reached as (
    select receipt.chat_id, receipt.whatsapp_id, max(array_position(ranks, receipt.status)) as rank
    from unnest(p_chat_ids, p_whatsapp_ids) as touched (chat_id, whatsapp_id)
    inner join public.wa_receipts as receipt
      on receipt.session_id = p_session_id
      and receipt.chat_id = touched.chat_id
      and receipt.whatsapp_id = touched.whatsapp_id
    group by receipt.chat_id, receipt.whatsapp_id
  )
  update public.wa_messages as message
  set status = ranks[reached.rank]
  from reached
  where message.session_id = p_session_id
    and message.chat_id = reached.chat_id
    and message.whatsapp_id = reached.whatsapp_id
    and message.from_me
    and array_position(ranks, message.status) < reached.rank;
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
    session_id, chat_id, whatsapp_id, participant_jid, workspace_id, status, delivered_at, read_at, played_at
  )
  select
    given.session_id, given.chat_id, given.whatsapp_id, given.participant_jid, given.workspace_id,
    ranks[max(array_position(ranks, given.status))],
    min(given.delivered_at), min(given.read_at), min(given.played_at)
  from unnest(p_receipts) as given
  group by given.session_id, given.chat_id, given.whatsapp_id, given.participant_jid, given.workspace_id
  on conflict (session_id, chat_id, whatsapp_id, participant_jid) do update
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

create function wa_private.store_receipts(p_session_id uuid, p_workspace_id uuid, p_receipts jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  receipts public.wa_receipts[];
begin
  select
    array_agg(row(
      p_session_id, chat.id, given.whatsapp_id, coalesce(participant.lid_jid, given.participant_jid),
      p_workspace_id, given.status,
      case when given.status = 'delivered' then given.at end,
      case when given.status = 'read' then given.at end,
      case when given.status = 'played' then given.at end
    )::public.wa_receipts)
  into receipts
  from jsonb_to_recordset(p_receipts) as given (
    chat_jid text, whatsapp_id text, participant_jid text, status text, at timestamptz
  )
  left join wa_private.contact_aliases as chat_alias
    on chat_alias.session_id = p_session_id and chat_alias.phone_jid = given.chat_jid
  left join wa_private.contact_aliases as participant
    on participant.session_id = p_session_id and participant.phone_jid = given.participant_jid
  inner join public.wa_chats as chat
    on chat.session_id = p_session_id and chat.jid = coalesce(chat_alias.lid_jid, given.chat_jid);
  return wa_private.keep_receipts(receipts);
end;
$$;
comment on function wa_private.store_receipts(uuid, uuid, jsonb) is
'Stores receipts as wa_store_batch describes them; their chats must exist.';

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
      taken.session_id,
      case when taken.chat_id = p_from_chat_id then p_into_chat_id else taken.chat_id end,
      taken.whatsapp_id,
      case when taken.participant_jid = p_phone_jid then p_lid_jid else taken.participant_jid end,
      taken.workspace_id, taken.status, taken.delivered_at, taken.read_at, taken.played_at
    )::public.wa_receipts)
  into moved
  from taken;
  perform wa_private.keep_receipts(moved);
  perform wa_private.apply_receipts(p_session_id, array_agg(receipt.chat_id), array_agg(receipt.whatsapp_id))
  from unnest(moved) as receipt;
end;
$$;
comment on function wa_private.move_receipts(uuid, text, text, uuid, uuid) is
'Lets receipts follow a person from the phone address to the LID, and from one chat to another.';

revoke execute on function wa_private.apply_receipts(uuid, uuid[], text[]) from public, anon, authenticated;
revoke execute on function wa_private.keep_receipts(public.wa_receipts[]) from public, anon, authenticated;
revoke execute on function wa_private.store_receipts(uuid, uuid, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.move_receipts(uuid, text, text, uuid, uuid) from public, anon, authenticated;
grant execute on function wa_private.apply_receipts(uuid, uuid[], text[]) to service_role;
grant execute on function wa_private.keep_receipts(public.wa_receipts[]) to service_role;
grant execute on function wa_private.store_receipts(uuid, uuid, jsonb) to service_role;
grant execute on function wa_private.move_receipts(uuid, text, text, uuid, uuid) to service_role;
