-- Purpose: what the list of chats shows of what was said: the newest message, and how much is unread.
-- Affects: wa_private.show_newest, unread_messages, unread_when_linked, store_own_reads (new).

create function wa_private.show_newest(p_chat_ids uuid[], p_unread integer[])
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update public.wa_chats as chat
  set
    unread_count = least(chat.unread_count + touched.unread, 1000000),
    last_message_at = newest.sent_at,
    last_message_preview = newest.preview,
    last_message_kind = newest.kind,
    last_message_from_me = newest.from_me
  from (
    select given.chat_id, sum(coalesce(given.unread, 0))::integer as unread
    from unnest(p_chat_ids, p_unread) as given (chat_id, unread)
    group by given.chat_id
  ) as touched
  -- Laterals, so that each is looked up by index however stale the planner's statistics.
  cross join lateral (
    select latest.sent_at
    from public.wa_messages as latest
    where latest.chat_id = touched.chat_id
    order by latest.sent_at desc
    limit 1
  ) as latest
  cross join lateral (
    -- WhatsApp counts whole seconds; a row of the outbox, inserted in the same one, does not.
    select
      said.sent_at, said.kind, said.from_me,
      case when said.revoked_at is null then left(said.body, 200) end as preview
    from public.wa_messages as said
    where said.chat_id = touched.chat_id and said.sent_at >= date_trunc('second', latest.sent_at)
    order by said.seq desc
    limit 1
  ) as newest
  where chat.id = touched.chat_id
    and (
      touched.unread <> 0
      or (
        chat.last_message_at, chat.last_message_preview, chat.last_message_kind, chat.last_message_from_me
      ) is distinct from (newest.sent_at, newest.preview, newest.kind, newest.from_me)
    );
end;
$$;
comment on function wa_private.show_newest(uuid[], integer[]) is
'Lets chats show the newest of their messages, as it reads now, and count that many more as unread.';

create function wa_private.unread_messages(p_chat_id uuid, p_read_up_to timestamptz)
returns integer
language sql
stable
security invoker
set search_path = ''
as $$
  select least(count(*), 900000)::integer
  from public.wa_messages as message
  where message.chat_id = p_chat_id
    and message.sent_at > coalesce(p_read_up_to, '-infinity')
    and message.source = 'live'
    and not message.from_me
    and message.kind <> 'system';
$$;
comment on function wa_private.unread_messages(uuid, timestamptz) is
'How many messages of a chat came in live after it was read; what happened in a group is no message to read.';

create function wa_private.unread_when_linked(p_chat_id uuid)
returns integer
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce(
    (
      select (fact.value #>> '{}')::integer
      from wa_private.chat_facts as fact
      where fact.chat_id = p_chat_id and fact.name = 'unread_count'
    ),
    0
  );
$$;
comment on function wa_private.unread_when_linked(uuid) is
'How many messages were unread when the number was linked: they count until the chat is read.';

create function wa_private.store_own_reads(p_own_reads jsonb, p_addresses jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  changed integer;
begin
  update public.wa_chats as chat
  set ticked_up_to = own_read.at
  from (
    select (p_addresses -> given.chat_jid ->> 'chat')::uuid as chat_id, max(given.at) as at
    from jsonb_to_recordset(p_own_reads) as given (chat_jid text, at timestamptz)
    group by 1
  ) as own_read
  where chat.id = own_read.chat_id
    and own_read.at > coalesce(chat.ticked_up_to, '-infinity')
    -- Else it is written below, with the rest.
    and own_read.at <= chat.read_up_to;

  update public.wa_chats as chat
  set
    read_up_to = own_read.at,
    ticked_up_to = greatest(chat.ticked_up_to, own_read.at),
    unread_count = wa_private.unread_messages(chat.id, own_read.at)
  from (
    select (p_addresses -> given.chat_jid ->> 'chat')::uuid as chat_id, max(given.at) as at
    from jsonb_to_recordset(p_own_reads) as given (chat_jid text, at timestamptz)
    group by 1
  ) as own_read
  where chat.id = own_read.chat_id
    and own_read.at > coalesce(chat.read_up_to, '-infinity');
  get diagnostics changed = row_count;
  return changed;
end;
$$;
comment on function wa_private.store_own_reads(jsonb, jsonb) is
'Stores what was read and ticked by devices of the number, as wa_store_batch describes it: read_up_to and '
'ticked_up_to only rise.';

revoke execute on function wa_private.show_newest(uuid[], integer[]) from public, anon, authenticated;
revoke execute on function wa_private.unread_messages(uuid, timestamptz) from public, anon, authenticated;
revoke execute on function wa_private.unread_when_linked(uuid) from public, anon, authenticated;
revoke execute on function wa_private.store_own_reads(jsonb, jsonb) from public, anon, authenticated;
grant execute on function wa_private.show_newest(uuid[], integer[]) to service_role;
grant execute on function wa_private.unread_messages(uuid, timestamptz) to service_role;
grant execute on function wa_private.unread_when_linked(uuid) to service_role;
grant execute on function wa_private.store_own_reads(jsonb, jsonb) to service_role;
