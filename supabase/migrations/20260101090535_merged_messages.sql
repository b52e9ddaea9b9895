-- Purpose: the messages of two chats that turn out to be one.
-- Affects: wa_private.merge_twins, merge_messages, move_mentions (new).

create function wa_private.merge_twins(p_kept_id uuid, p_dropped_id uuid)
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
  update public.wa_outbox as entry set message_id = p_kept_id where entry.message_id = p_dropped_id;
  update public.wa_messages as reply set quoted_message_id = p_kept_id where reply.quoted_message_id = p_dropped_id;
  -- One file is enough; best one that has been fetched.
  delete from public.wa_attachments as file
  using public.wa_attachments as twin
  where file.message_id = p_kept_id
    and twin.message_id = p_dropped_id
    and twin.state = 'stored'
    and file.state <> 'stored';
  update public.wa_attachments as file
  set message_id = p_kept_id
  where file.message_id = p_dropped_id
    and not exists (select from public.wa_attachments as other where other.message_id = p_kept_id);
  update public.wa_messages as message
  set
    status = ranks[greatest(array_position(ranks, message.status), array_position(ranks, twin.status))],
    source = sources[greatest(array_position(sources, message.source), array_position(sources, twin.source))],
    sender_name = coalesce(message.sender_name, twin.sender_name),
    sender_jid = coalesce(message.sender_jid, twin.sender_jid),
    expires_at = greatest(message.expires_at, twin.expires_at)
  from public.wa_messages as twin
  where message.id = p_kept_id
    and twin.id = p_dropped_id;
  delete from public.wa_messages as message where message.id = p_dropped_id;
end;
$$;
comment on function wa_private.merge_twins(uuid, uuid) is
'One message instead of two; what refers to the one that goes refers to the one that stays.';

create function wa_private.merge_messages(p_session_id uuid, p_from_chat_id uuid, p_into_chat_id uuid)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  sources constant text[] := '{history,phone,live,outbox}';
  twin record;
begin
  for twin in
    select
      a.id as from_id, b.id as into_id,
      -- The one the app may refer to stays, or the readable one, or the one that came live.
      (a.kind <> 'undecryptable', array_position(sources, a.source))
      > (b.kind <> 'undecryptable', array_position(sources, b.source)) as is_better
    from public.wa_messages as a
    inner join public.wa_messages as b
      on b.session_id = a.session_id and b.chat_id = p_into_chat_id
      and b.whatsapp_id = a.whatsapp_id and b.from_me = a.from_me
    where a.session_id = p_session_id and a.chat_id = p_from_chat_id
  loop
    if twin.is_better then
      perform wa_private.merge_twins(twin.from_id, twin.into_id);
    else
      perform wa_private.merge_twins(twin.into_id, twin.from_id);
    end if;
  end loop;
  update public.wa_messages as message
  set chat_id = p_into_chat_id
  where message.session_id = p_session_id and message.chat_id = p_from_chat_id;
end;
$$;
comment on function wa_private.merge_messages(uuid, uuid, uuid) is
'Moves what was said in one chat into another; what was done to it has to be applied again.';

create function wa_private.move_mentions(p_session_id uuid, p_phone_jid text, p_lid_jid text)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update public.wa_messages as message
  set mentions = array_replace(message.mentions, p_phone_jid, p_lid_jid)
  where message.mentions @> array[p_phone_jid]
    and message.mentions <> '{}'
    and message.session_id = p_session_id;
end;
$$;
comment on function wa_private.move_mentions(uuid, text, text) is
'Lets mentions follow a person from the phone address to the LID.';

revoke execute on function wa_private.merge_twins(uuid, uuid) from public, anon, authenticated;
revoke execute on function wa_private.merge_messages(uuid, uuid, uuid) from public, anon, authenticated;
revoke execute on function wa_private.move_mentions(uuid, text, text) from public, anon, authenticated;
grant execute on function wa_private.merge_twins(uuid, uuid) to service_role;
grant execute on function wa_private.merge_messages(uuid, uuid, uuid) to service_role;
grant execute on function wa_private.move_mentions(uuid, text, text) to service_role;
