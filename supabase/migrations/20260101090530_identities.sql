-- Purpose: what happens when a phone address and a LID turn out to be one person: their
-- contacts and chats become one, and everything said, sent or ticked follows.
-- Affects: wa_private.merge_contacts, merge_messages, merge_reactions, merge_chats (new).

create function wa_private.merge_contacts(p_session_id uuid, p_phone_jid text, p_lid_jid text)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  old public.wa_contacts;
  kept uuid;
begin
  select contact.* into old from public.wa_contacts as contact
  where contact.session_id = p_session_id and contact.jid = p_phone_jid
  for update;
  if not found then
    return;
  end if;
  select contact.id into kept from public.wa_contacts as contact
  where contact.session_id = p_session_id and contact.jid = p_lid_jid
  for update;

  if kept is null then
    kept := old.id;
    update public.wa_contacts as contact set jid = p_lid_jid where contact.id = kept;
  else
    update public.wa_contacts as contact
    set
      push_name = coalesce(contact.push_name, old.push_name),
      saved_name = coalesce(contact.saved_name, old.saved_name),
      business_name = coalesce(contact.business_name, old.business_name),
      avatar_path = coalesce(contact.avatar_path, old.avatar_path),
      avatar_id = coalesce(contact.avatar_id, old.avatar_id),
      on_whatsapp = coalesce(contact.on_whatsapp, old.on_whatsapp),
      tags = array(select distinct tag from unnest(old.tags || contact.tags) as tag order by tag),
      fields = old.fields || contact.fields
    where contact.id = kept;
    update public.wa_chats as chat set contact_id = kept where chat.contact_id = old.id;
    update public.wa_messages as message set sender_contact_id = kept where message.sender_contact_id = old.id;
    perform wa_private.merge_members(old.id, kept);
    update public.wa_reactions as reaction set sender_contact_id = kept where reaction.sender_contact_id = old.id;
    delete from public.wa_contacts as contact where contact.id = old.id;
  end if;
  update public.wa_messages as message
  set sender_jid = p_lid_jid
  where message.sender_contact_id = kept and message.sender_jid = p_phone_jid;
end;
$$;
comment on function wa_private.merge_contacts(uuid, text, text) is
'One person instead of two; the app''s tags and fields are kept from both.';

create function wa_private.merge_messages(p_session_id uuid, p_from_chat_id uuid, p_into_chat_id uuid)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  ranks constant text[] := '{pending,failed,sent,delivered,read,played}';
  sources constant text[] := '{history,phone,live,outbox}';
  twin record;
  counted_twice integer := 0;
  ours text[];
begin
  -- The same message under both addresses: the one the app may refer to stays, or the readable one.
  for twin in
    select
      case when b.source = 'outbox' or a.kind = 'undecryptable' then b.id else a.id end as kept_id,
      case when b.source = 'outbox' or a.kind = 'undecryptable' then a.id else b.id end as dropped_id,
      coalesce(a.sender_name, b.sender_name) as sender_name,
      ranks[greatest(array_position(ranks, a.status), array_position(ranks, b.status))] as status,
      sources[greatest(array_position(sources, a.source), array_position(sources, b.source))] as source,
      (a.source = 'live' and b.source = 'live' and not a.from_me)::integer as counted_twice
    from public.wa_messages as a
    inner join public.wa_messages as b
      on b.session_id = a.session_id and b.chat_id = p_into_chat_id
      and b.whatsapp_id = a.whatsapp_id and b.from_me = a.from_me
    where a.session_id = p_session_id and a.chat_id = p_from_chat_id
  loop
    update public.wa_outbox as entry set message_id = twin.kept_id where entry.message_id = twin.dropped_id;
    update public.wa_message_edits as edit set message_id = twin.kept_id where edit.message_id = twin.dropped_id;
    update public.wa_attachments as file set message_id = twin.kept_id where file.message_id = twin.dropped_id;
    delete from public.wa_messages as message where message.id = twin.dropped_id;
    update public.wa_messages as message
    set status = twin.status, source = twin.source, sender_name = twin.sender_name
    where message.id = twin.kept_id;
    counted_twice := counted_twice + twin.counted_twice;
  end loop;
  with moved as (
    update public.wa_messages as message
    set chat_id = p_into_chat_id
    where message.session_id = p_session_id and message.chat_id = p_from_chat_id
    returning message.whatsapp_id, message.from_me
  )
  select array_agg(moved.whatsapp_id) into ours
  from moved
  where moved.from_me and moved.whatsapp_id is not null;
  if ours is not null then
    -- Their receipts may have come under the other address.
    perform wa_private.apply_receipts(p_session_id, array_fill(p_into_chat_id, array[cardinality(ours)]), ours);
  end if;
  return counted_twice;
end;
$$;
comment on function wa_private.merge_messages(uuid, uuid, uuid) is
'Moves what was said in one chat into another; returns how many unread messages both had counted.';

create function wa_private.merge_reactions(
  p_session_id uuid, p_phone_jid text, p_lid_jid text, p_from_chat_id uuid, p_into_chat_id uuid
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  with taken as (
    delete from public.wa_reactions as reaction
    where reaction.session_id = p_session_id
      and (
        reaction.chat_id = p_from_chat_id
        or (reaction.sender_jid = p_phone_jid and reaction.sender_jid like '%@s.whatsapp.net')
      )
    returning
      reaction.*,
      case when reaction.chat_id = p_from_chat_id then p_into_chat_id else reaction.chat_id end as new_chat_id,
      case when reaction.sender_jid = p_phone_jid then p_lid_jid else reaction.sender_jid end as new_sender_jid
  )
  insert into public.wa_reactions as reaction (
    session_id, chat_id, whatsapp_id, sender_jid, workspace_id, sender_contact_id, from_me, emoji, reacted_at
  )
  select distinct on (taken.new_chat_id, taken.whatsapp_id, taken.new_sender_jid)
    taken.session_id, taken.new_chat_id, taken.whatsapp_id, taken.new_sender_jid, taken.workspace_id,
    taken.sender_contact_id, taken.from_me, taken.emoji, taken.reacted_at
  from taken
  order by taken.new_chat_id, taken.whatsapp_id, taken.new_sender_jid, taken.reacted_at desc
  on conflict (chat_id, whatsapp_id, sender_jid) do update
  set emoji = excluded.emoji, reacted_at = excluded.reacted_at
  where excluded.reacted_at > reaction.reacted_at;
$$;
comment on function wa_private.merge_reactions(uuid, text, text, uuid, uuid) is
'Lets reactions follow a person from the phone address to the LID, and from one chat to another.';

create function wa_private.merge_chats(p_session_id uuid, p_phone_jid text, p_lid_jid text)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  old public.wa_chats;
  kept uuid;
  emptied uuid;
  counted_twice integer;
begin
  -- Waits for inserts into the outbox that have just found the old chat.
  select chat.* into old from public.wa_chats as chat
  where chat.session_id = p_session_id and chat.jid = p_phone_jid
  for update;
  select chat.id into kept from public.wa_chats as chat
  where chat.session_id = p_session_id and chat.jid = p_lid_jid
  for update;

  if old.id is not null and kept is null then
    update public.wa_chats as chat set jid = p_lid_jid where chat.id = old.id;
    update public.wa_outbox as entry set to_jid = p_lid_jid where entry.chat_id = old.id;
  elsif old.id is not null then
    emptied := old.id;
    update public.wa_outbox as entry set chat_id = kept, to_jid = p_lid_jid where entry.chat_id = old.id;
    counted_twice := wa_private.merge_messages(p_session_id, old.id, kept);
    update public.wa_chats as chat
    set
      unread_count = greatest(chat.unread_count + old.unread_count - counted_twice, 0)
    where chat.id = kept;
    perform wa_private.merge_chat_facts(old.id, kept);
    update public.wa_chats as chat
    set
      last_message_at = old.last_message_at,
      last_message_preview = old.last_message_preview,
      last_message_kind = old.last_message_kind,
      last_message_from_me = old.last_message_from_me
    where chat.id = kept
      and old.last_message_at > coalesce(chat.last_message_at, '-infinity');
  end if;
  perform wa_private.move_receipts(p_session_id, p_phone_jid, p_lid_jid, emptied, kept);
  perform wa_private.merge_reactions(p_session_id, p_phone_jid, p_lid_jid, emptied, kept);
  delete from public.wa_chats as chat where chat.id = emptied;
end;
$$;
comment on function wa_private.merge_chats(uuid, text, text) is
'One direct chat instead of two, with the messages, ticks and unsent rows of both.';

revoke execute on function wa_private.merge_contacts(uuid, text, text) from public, anon, authenticated;
revoke execute on function wa_private.merge_messages(uuid, uuid, uuid) from public, anon, authenticated;
revoke execute on function wa_private.merge_reactions(uuid, text, text, uuid, uuid) from public, anon, authenticated;
revoke execute on function wa_private.merge_chats(uuid, text, text) from public, anon, authenticated;
grant execute on function wa_private.merge_contacts(uuid, text, text) to service_role;
grant execute on function wa_private.merge_messages(uuid, uuid, uuid) to service_role;
grant execute on function wa_private.merge_reactions(uuid, text, text, uuid, uuid) to service_role;
grant execute on function wa_private.merge_chats(uuid, text, text) to service_role;
