-- Purpose: everything inbound, stored by one idempotent call a batch.
-- Affects: wa_private.store_messages, wa_store_batch (new).

create function wa_private.store_messages(p_session_id uuid, p_workspace_id uuid, p_messages jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  ranks constant text[] := '{pending,failed,sent,delivered,read,played}';
  sources constant text[] := '{history,phone,live,outbox}';
  added integer;
begin
  with given as (
    select message.*, row_number() over () as place
    from jsonb_to_recordset(p_messages) as message (
      whatsapp_id text, chat_jid text, from_me boolean, sender_jid text, sender_name text, kind text,
      body text, content jsonb, quoted_whatsapp_id text, mentions text[], sent_at timestamptz,
      status text, source text
    )
  ),
  addressed as (
    -- The same message twice in one batch is one, with the best source, status and name of all.
    select distinct on (chat.id, given.whatsapp_id, given.from_me)
      given.*, chat.id as chat_id, coalesce(sender_alias.lid_jid, given.sender_jid) as sender,
      sender_contact.id as sender_contact_id, known.source as known_source, known.kind as known_kind,
      chat.last_message_at, ranks[max(array_position(ranks, given.status)) over same] as best_status,
      max(given.sender_name) over same as best_name
    from given
    left join wa_private.contact_aliases as chat_alias
      on chat_alias.session_id = p_session_id and chat_alias.phone_jid = given.chat_jid
    left join wa_private.contact_aliases as sender_alias
      on sender_alias.session_id = p_session_id and sender_alias.phone_jid = given.sender_jid
    inner join public.wa_chats as chat
      on chat.session_id = p_session_id and chat.jid = coalesce(chat_alias.lid_jid, given.chat_jid)
    left join public.wa_contacts as sender_contact
      on not given.from_me
      and sender_contact.session_id = p_session_id
      and sender_contact.jid = coalesce(sender_alias.lid_jid, given.sender_jid)
    -- Lateral, so that each is looked up by index however stale the planner's statistics.
    left join lateral (
      select message.source, message.kind
      from public.wa_messages as message
      where message.session_id = p_session_id
        and message.chat_id = chat.id
        and message.whatsapp_id = given.whatsapp_id
        and message.from_me = given.from_me
      limit 1
    ) as known on true
    window same as (partition by chat.id, given.whatsapp_id, given.from_me)
    order by
      chat.id, given.whatsapp_id, given.from_me, given.kind = 'undecryptable',
      array_position(sources, given.source) desc, given.place
  ),
  stored as (
    insert into public.wa_messages as message (
      workspace_id, session_id, chat_id, whatsapp_id, from_me, sender_contact_id, sender_jid, sender_name,
      kind, body, content, quoted_whatsapp_id, mentions, sent_at, status, source
    )
    select
      p_workspace_id, p_session_id, row.chat_id, row.whatsapp_id, row.from_me, row.sender_contact_id, row.sender,
      row.best_name, row.kind, row.body, coalesce(row.content, '{}'), row.quoted_whatsapp_id,
      coalesce(row.mentions, '{}'), row.sent_at, row.best_status, row.source
    from addressed as row
    order by row.place
    on conflict (session_id, chat_id, whatsapp_id, from_me) do update
    set
      -- What could not be decrypted is sent again under its id, and takes the place that was kept for it.
      kind = case when message.kind = 'undecryptable' then excluded.kind else message.kind end,
      body = case when message.kind = 'undecryptable' then excluded.body else message.body end,
      content = case when message.kind = 'undecryptable' then excluded.content else message.content end,
      quoted_whatsapp_id = case when message.kind = 'undecryptable' then excluded.quoted_whatsapp_id else message.quoted_whatsapp_id end,
      mentions = case when message.kind = 'undecryptable' then excluded.mentions else message.mentions end,
      status = ranks[greatest(array_position(ranks, message.status), array_position(ranks, excluded.status))],
      source = sources[greatest(array_position(sources, message.source), array_position(sources, excluded.source))],
      sender_name = coalesce(message.sender_name, excluded.sender_name),
      sender_jid = coalesce(message.sender_jid, excluded.sender_jid)
    where (message.kind = 'undecryptable' and excluded.kind <> 'undecryptable')
      or array_position(ranks, excluded.status) > array_position(ranks, message.status)
      or array_position(sources, excluded.source) > array_position(sources, message.source)
      or (message.sender_name is null and excluded.sender_name is not null)
      or (message.sender_jid is null and excluded.sender_jid is not null)
  ),
  news as (
    select distinct on (row.chat_id)
      row.chat_id, row.sent_at, row.kind, row.from_me, left(row.body, 200) as preview,
      -- WhatsApp counts whole seconds; a row of the outbox, inserted in the same one, does not.
      row.sent_at >= coalesce(date_trunc('second', row.last_message_at), '-infinity') as is_newest,
      count(*) filter (
        where row.source = 'live' and not row.from_me and row.known_source is distinct from 'live'
      ) over (partition by row.chat_id) as unread
    from addressed as row
    -- History may bring a message before it is delivered: only then is it news, and unread. What was
    -- counted while it could not be decrypted is news, and not counted again.
    where row.known_source is null
      or (row.known_source = 'history' and row.source = 'live')
      or (row.known_kind = 'undecryptable' and row.kind <> 'undecryptable')
    order by row.chat_id, row.sent_at desc, row.place desc
  ),
  told as (
    update public.wa_chats as chat
    set
      unread_count = chat.unread_count + news.unread,
      last_message_at = greatest(chat.last_message_at, news.sent_at),
      last_message_preview = case when news.is_newest then news.preview else chat.last_message_preview end,
      last_message_kind = case when news.is_newest then news.kind else chat.last_message_kind end,
      last_message_from_me = case when news.is_newest then news.from_me else chat.last_message_from_me end
    from news
    where chat.id = news.chat_id
      and (news.is_newest or news.unread > 0)
  )
  select count(*) into added
  from addressed as row
  where row.known_source is null;
  return added;
end;
$$;
comment on function wa_private.store_messages(uuid, uuid, jsonb) is
'Each message once; a repetition may only move its status forward, fill gaps, and say what could not be decrypted. '
'Returns how many are new.';

create function public.wa_store_batch(p_session_id uuid, p_term bigint, p_batch jsonb)
returns table (messages integer, receipts integer, contacts integer)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
  workspace_id uuid;
  message_count integer := 0;
  receipt_count integer := 0;
  contact_count integer := 0;
begin
  -- What was received under an earlier term is true, and storing it is idempotent.
  select lease.workspace_id into workspace_id from wa_private.hold_lease(p_session_id, p_term, 1) as lease;
  -- One batch of a session at a time: two that merge the same people would deadlock.
  perform wa_private.take_turns(p_session_id);

  if jsonb_array_length(coalesce(p_batch -> 'aliases', '[]')) > 0 then
    perform wa_private.store_aliases(p_session_id, p_batch -> 'aliases');
  end if;
  contact_count := wa_private.store_contacts(p_session_id, workspace_id, p_batch);
  perform wa_private.store_chats(p_session_id, workspace_id, p_batch);
  if jsonb_array_length(coalesce(p_batch -> 'messages', '[]')) > 0 then
    message_count := wa_private.store_messages(p_session_id, workspace_id, p_batch -> 'messages');
  end if;
  if jsonb_array_length(coalesce(p_batch -> 'receipts', '[]')) > 0 then
    receipt_count := wa_private.store_receipts(p_session_id, workspace_id, p_batch -> 'receipts');
  end if;

  perform wa_private.apply_receipts(p_session_id, array_agg(chat.id), array_agg(touched.whatsapp_id))
  from (
    select receipt.chat_jid, receipt.whatsapp_id
    from jsonb_to_recordset(p_batch -> 'receipts') as receipt (chat_jid text, whatsapp_id text)
    union
    select message.chat_jid, message.whatsapp_id
    from jsonb_to_recordset(p_batch -> 'messages') as message (chat_jid text, whatsapp_id text, from_me boolean)
    where message.from_me
  ) as touched
  left join wa_private.contact_aliases as alias
    on alias.session_id = p_session_id and alias.phone_jid = touched.chat_jid
  inner join public.wa_chats as chat
    on chat.session_id = p_session_id and chat.jid = coalesce(alias.lid_jid, touched.chat_jid)
  having count(*) > 0;

  return query select message_count, receipt_count, contact_count;
end;
$$;
comment on function public.wa_store_batch(uuid, bigint, jsonb) is
'Stores {aliases [{lid, phone}], contacts [{jid, push_name, phone_number}], chats [{jid, name}], messages '
'[{whatsapp_id, chat_jid, from_me, sender_jid, sender_name, kind, body, content, quoted_whatsapp_id, mentions, '
'sent_at, status, source}], receipts [{chat_jid, whatsapp_id, participant_jid, status, at}]}, all or nothing; twice '
'is once. Takes any term there has been; raises ZB001 for one that never was. Returns what was new.';

revoke execute on function wa_private.store_messages(uuid, uuid, jsonb) from public, anon, authenticated;
revoke execute on function public.wa_store_batch(uuid, bigint, jsonb) from public, anon, authenticated;
grant execute on function wa_private.store_messages(uuid, uuid, jsonb) to service_role;
grant execute on function public.wa_store_batch(uuid, bigint, jsonb) to service_role;
