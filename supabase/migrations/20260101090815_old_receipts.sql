-- Purpose: receipts that say nothing any more, and changes of messages that never came.
-- Affects: wa_private.walk_receipts, walk_message_changes (new).

create function wa_private.walk_receipts(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
-- As wa_store_batch does: its plans are made while the tables are still empty, and kept.
set enable_seqscan = off
as $$
declare
  ranks constant text[] := '{pending,failed,sent,delivered,read,played}';
  group_oldest constant timestamptz := wa_private.kept_since('group_receipts');
  orphan_oldest constant timestamptz := wa_private.kept_since('orphaned_receipts');
  reached text[] := wa_private.walk_from('receipts');
  forgotten integer;
begin
  if not wa_private.walk_is_due('receipts') then
    return 0;
  end if;
  with looked_at as materialized (
    select receipt.chat_id, receipt.whatsapp_id, receipt.participant_jid
    from public.wa_receipts as receipt
    where (receipt.chat_id, receipt.whatsapp_id, receipt.participant_jid)
      > (coalesce(reached[1], '00000000-0000-0000-0000-000000000000')::uuid, coalesce(reached[2], ''), coalesce(reached[3], ''))
    order by receipt.chat_id, receipt.whatsapp_id, receipt.participant_jid
    limit p_limit
  ),
  old as (
    select receipt.chat_id, receipt.whatsapp_id, receipt.participant_jid
    from looked_at
    -- Laterals, so that each row is looked up by index however stale the planner's statistics.
    inner join public.wa_receipts as receipt
      on receipt.chat_id = looked_at.chat_id
      and receipt.whatsapp_id = looked_at.whatsapp_id
      and receipt.participant_jid = looked_at.participant_jid
    left join lateral (
      select known.status
      from (
        -- By its id first (offset 0): a plan made while the table was empty would read through the whole chat.
        select named.chat_id, named.from_me, named.status
        from public.wa_messages as named
        where named.session_id = receipt.session_id and named.whatsapp_id = receipt.whatsapp_id
        offset 0
      ) as known
      where known.chat_id = receipt.chat_id
      order by known.from_me desc
      limit 1
    ) as message on true
    where greatest(receipt.delivered_at, receipt.read_at, receipt.played_at) < case
        when message.status is not null then group_oldest else orphan_oldest
      end
      and case
        when message.status is not null then
          exists (select from public.wa_chats as chat where chat.id = receipt.chat_id and chat.kind = 'group')
          -- What it says has to be said elsewhere.
          and array_position(ranks, message.status) >= array_position(ranks, receipt.status)
        else not exists (
          select from public.wa_outbox as entry
          where entry.session_id = receipt.session_id and entry.whatsapp_id = receipt.whatsapp_id
        )
      end
    for update of receipt skip locked
  ),
  gone as (
    delete from public.wa_receipts as receipt
    using old
    where receipt.chat_id = old.chat_id
      and receipt.whatsapp_id = old.whatsapp_id
      and receipt.participant_jid = old.participant_jid
    returning receipt.chat_id
  )
  select
    (select count(*) from gone),
    (
      select array[last.chat_id::text, last.whatsapp_id, last.participant_jid]
      from looked_at as last
      order by last.chat_id, last.whatsapp_id, last.participant_jid
      offset p_limit - 1 limit 1
    )
  into forgotten, reached;
  perform wa_private.note_walk('receipts', reached);
  return forgotten;
end;
$$;
comment on function wa_private.walk_receipts(integer) is
'Of the next p_limit receipts deletes those in groups that are old and whose message says as much, and those of '
'messages that nobody knows. Returns how many.';

create function wa_private.walk_message_changes(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  oldest constant timestamptz := wa_private.kept_since('orphaned_changes');
  reached text[] := wa_private.walk_from('message_changes');
  forgotten integer;
begin
  if not wa_private.walk_is_due('message_changes') then
    return 0;
  end if;
  with looked_at as materialized (
    select
      known.chat_id, known.whatsapp_id, known.change, known.change_id, known.from_me, known.done_by_jid, known.by_admin,
      known.session_id, known.changed_at, row_number() over () as place
    from (
      select next.*
      from wa_private.message_changes as next
      where (
          next.chat_id, next.whatsapp_id, next.change, next.change_id, next.from_me, next.done_by_jid, next.by_admin
        ) > (
          coalesce(reached[1], '00000000-0000-0000-0000-000000000000')::uuid, coalesce(reached[2], ''),
          coalesce(reached[3], ''), coalesce(reached[4], ''), coalesce(reached[5], 'false')::boolean,
          coalesce(reached[6], ''), coalesce(reached[7], 'false')::boolean
        )
      order by
        next.chat_id, next.whatsapp_id, next.change, next.change_id, next.from_me, next.done_by_jid, next.by_admin
      limit p_limit
    ) as known
  ),
  old as (
    select change.ctid as place
    from looked_at
    inner join wa_private.message_changes as change
      on change.chat_id = looked_at.chat_id
      and change.whatsapp_id = looked_at.whatsapp_id
      and change.change = looked_at.change
      and change.change_id = looked_at.change_id
      and change.from_me = looked_at.from_me
      and change.done_by_jid = looked_at.done_by_jid
      and change.by_admin = looked_at.by_admin
    where change.changed_at < oldest
      and not exists (
        select
        from (
          select named.chat_id
          from public.wa_messages as named
          where named.session_id = change.session_id and named.whatsapp_id = change.whatsapp_id
          offset 0
        ) as message
        where message.chat_id = change.chat_id
      )
    for update of change skip locked
  ),
  gone as (
    delete from wa_private.message_changes as change
    using old
    where change.ctid = old.place
    returning change.chat_id
  )
  select
    (select count(*) from gone),
    (
      select array[
        last.chat_id::text, last.whatsapp_id, last.change, last.change_id, last.from_me::text, last.done_by_jid,
        last.by_admin::text
      ]
      from looked_at as last
      where last.place = p_limit
    )
  into forgotten, reached;
  perform wa_private.note_walk('message_changes', reached);
  return forgotten;
end;
$$;
comment on function wa_private.walk_message_changes(integer) is
'Of the next p_limit edits and deletions deletes those that are old and whose message never came. Returns how many.';

revoke execute on function wa_private.walk_receipts(integer) from public, anon, authenticated;
revoke execute on function wa_private.walk_message_changes(integer) from public, anon, authenticated;
grant execute on function wa_private.walk_receipts(integer) to service_role;
grant execute on function wa_private.walk_message_changes(integer) to service_role;
