-- Purpose: messages that come in: each once, however often, in whatever order and from wherever it comes.
-- Affects: wa_private.insert_messages, improve_messages, store_messages, store_changes (new).

create function wa_private.insert_messages(
  p_session_id uuid, p_workspace_id uuid, p_arrivals wa_private.arrival[]
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  added integer;
begin
  insert into public.wa_messages (
    workspace_id, session_id, chat_id, whatsapp_id, from_me, sender_contact_id, sender_jid, sender_name, kind, body,
    content, quoted_whatsapp_id, mentions, sent_at, status, source, expires_at
  )
  select
    p_workspace_id, p_session_id, arrival.chat_id, arrival.whatsapp_id, arrival.from_me, arrival.sender_contact_id,
    arrival.sender_jid, arrival.sender_name, arrival.kind, arrival.body, arrival.content, arrival.quoted_whatsapp_id,
    arrival.mentions, arrival.sent_at, arrival.status, arrival.source, arrival.expires_at
  from unnest(p_arrivals) as arrival
  where arrival.known_id is null
  order by arrival.place;
  get diagnostics added = row_count;
  return added;
end;
$$;
comment on function wa_private.insert_messages(uuid, uuid, wa_private.arrival[]) is
'Adds the messages that are not there yet; returns how many.';

create function wa_private.improve_messages(p_arrivals wa_private.arrival[])
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  ranks constant text[] := '{pending,failed,sent,delivered,read,played}';
  sources constant text[] := '{history,phone,live,outbox}';
begin
  -- An edited message says something later; what it said at first is told again.
  update public.wa_message_edits as original
  set body = arrival.body, content = arrival.content
  from unnest(p_arrivals) as arrival
  where arrival.speaks
    and original.message_id = arrival.known_id
    and original.version = 0;

  update public.wa_messages as message
  set
    kind = case when arrival.speaks then arrival.kind else message.kind end,
    body = case when arrival.speaks and message.edited_at is null then arrival.body else message.body end,
    content = case when arrival.speaks and message.edited_at is null then arrival.content else message.content end,
    mentions = case when arrival.speaks and message.edited_at is null then arrival.mentions else message.mentions end,
    quoted_whatsapp_id = case
      when arrival.speaks then arrival.quoted_whatsapp_id else message.quoted_whatsapp_id
    end,
    quoted_message_id = case
      when arrival.speaks and arrival.quoted_whatsapp_id is distinct from message.quoted_whatsapp_id then null
      else message.quoted_message_id
    end,
    status = ranks[greatest(array_position(ranks, message.status), array_position(ranks, arrival.status))],
    source = sources[greatest(array_position(sources, message.source), array_position(sources, arrival.source))],
    expires_at = greatest(message.expires_at, arrival.expires_at),
    sender_name = coalesce(message.sender_name, arrival.sender_name),
    sender_jid = coalesce(message.sender_jid, arrival.sender_jid)
  from unnest(p_arrivals) as arrival
  where message.id = arrival.known_id
    and (
      arrival.speaks
      or array_position(ranks, arrival.status) > array_position(ranks, message.status)
      or array_position(sources, arrival.source) > array_position(sources, message.source)
      or (message.sender_name is null and arrival.sender_name is not null)
      or (message.sender_jid is null and arrival.sender_jid is not null)
      or arrival.expires_at > coalesce(message.expires_at, '-infinity')
    );
end;
$$;
comment on function wa_private.improve_messages(wa_private.arrival[]) is
'A repetition may only move its message forward, fill gaps, and say what it could not be said before.';

create function wa_private.store_messages(
  p_session_id uuid, p_workspace_id uuid, p_messages jsonb, p_addresses jsonb
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  arrivals constant wa_private.arrival[] := wa_private.read_messages(p_session_id, p_messages, p_addresses);
  added constant integer := wa_private.insert_messages(p_session_id, p_workspace_id, arrivals);
  chat_ids uuid[];
  whatsapp_ids text[];
  unread integer[];
begin
  if added < cardinality(arrivals) then
    perform wa_private.improve_messages(arrivals);
  end if;
  if jsonb_path_exists(p_messages, '$[*].attachment ? (@ != null)') then
    perform wa_private.store_attachments(p_session_id, p_workspace_id, p_messages);
  end if;

  select array_agg(arrival.chat_id), array_agg(arrival.whatsapp_id), array_agg(arrival.unread)
  into chat_ids, whatsapp_ids, unread
  from unnest(arrivals) as arrival
  where arrival.known_id is null or arrival.speaks or arrival.unread > 0;
  if chat_ids is not null then
    perform wa_private.apply_changes(p_session_id, chat_ids, whatsapp_ids);
    perform wa_private.link_replies(p_session_id, chat_ids, whatsapp_ids);
    perform wa_private.show_newest(chat_ids, unread);
  end if;

  perform wa_private.apply_receipts(p_session_id, array_agg(ours.chat_id), array_agg(ours.whatsapp_id))
  from unnest(arrivals) as ours
  where ours.from_me
  having count(*) > 0;
  return added;
end;
$$;
comment on function wa_private.store_messages(uuid, uuid, jsonb, jsonb) is
'Stores messages as wa_store_batch describes them, and does to them what is known to have been done; returns how '
'many are new.';

create function wa_private.store_changes(p_session_id uuid, p_batch jsonb, p_addresses jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  chat_ids uuid[];
  whatsapp_ids text[];
begin
  perform wa_private.store_edits(p_session_id, coalesce(p_batch -> 'edits', '[]'), p_addresses);
  perform wa_private.store_revokes(p_session_id, coalesce(p_batch -> 'revokes', '[]'), p_addresses);
  select
    array_agg((p_addresses -> (change.value ->> 'chat_jid') ->> 'chat')::uuid),
    array_agg(change.value ->> 'whatsapp_id')
  into chat_ids, whatsapp_ids
  from jsonb_array_elements(coalesce(p_batch -> 'edits', '[]') || coalesce(p_batch -> 'revokes', '[]')) as change;
  perform wa_private.apply_changes(p_session_id, chat_ids, whatsapp_ids);
  perform wa_private.show_newest(chat_ids, null);
end;
$$;
comment on function wa_private.store_changes(uuid, jsonb, jsonb) is
'Stores the edits and deletions of a batch, and applies them to the messages that are there.';

revoke execute on function wa_private.insert_messages(uuid, uuid, wa_private.arrival[])
from public, anon, authenticated;
revoke execute on function wa_private.improve_messages(wa_private.arrival[]) from public, anon, authenticated;
revoke execute on function wa_private.store_messages(uuid, uuid, jsonb, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.store_changes(uuid, jsonb, jsonb) from public, anon, authenticated;
grant execute on function wa_private.insert_messages(uuid, uuid, wa_private.arrival[]) to service_role;
grant execute on function wa_private.improve_messages(wa_private.arrival[]) to service_role;
grant execute on function wa_private.store_messages(uuid, uuid, jsonb, jsonb) to service_role;
grant execute on function wa_private.store_changes(uuid, jsonb, jsonb) to service_role;
