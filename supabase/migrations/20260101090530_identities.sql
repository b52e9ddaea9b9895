-- Purpose: what happens when a phone address and a LID turn out to be one person: their
-- contacts and chats become one, and everything said, sent, ticked or done follows.
-- Affects: wa_private.merge_contacts, merge_chats, merge_person (new).

create function wa_private.merge_contacts(p_session_id uuid, p_phone_jid text, p_lid_jid text)
returns uuid[]
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  old public.wa_contacts;
  kept uuid;
  renamed uuid[];
begin
  select contact.* into old from public.wa_contacts as contact
  where contact.session_id = p_session_id and contact.jid = p_phone_jid
  for update;
  if not found then
    return null;
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
      avatar_path = case when pictured.by_old then old.avatar_path else contact.avatar_path end,
      avatar_id = case when pictured.by_old then old.avatar_id else contact.avatar_id end,
      avatar_checked_at = case when pictured.by_old then old.avatar_checked_at else contact.avatar_checked_at end,
      on_whatsapp = coalesce(contact.on_whatsapp, old.on_whatsapp),
      on_whatsapp_checked_at = coalesce(contact.on_whatsapp_checked_at, old.on_whatsapp_checked_at),
      -- Each unrolled by itself: an app may have given them different dimensions.
      tags = array(select unnest(old.tags) union select unnest(contact.tags) order by 1),
      fields = old.fields || contact.fields
    from (
      -- The picture that is known, and of two the one that was asked for last.
      select (old.avatar_id is not null, coalesce(old.avatar_checked_at, '-infinity'))
        > (other.avatar_id is not null, coalesce(other.avatar_checked_at, '-infinity')) as by_old
      from public.wa_contacts as other
      where other.id = kept
    ) as pictured
    where contact.id = kept;
    update public.wa_chats as chat set contact_id = kept where chat.contact_id = old.id;
    update public.wa_messages as message set sender_contact_id = kept where message.sender_contact_id = old.id;
    perform wa_private.merge_members(old.id, kept);
    update public.wa_reactions as reaction set sender_contact_id = kept where reaction.sender_contact_id = old.id;
    update public.wa_poll_votes as vote set voter_contact_id = kept where vote.voter_contact_id = old.id;
    delete from public.wa_contacts as contact where contact.id = old.id;
  end if;
  with moved as (
    update public.wa_messages as message
    set sender_jid = p_lid_jid
    where message.sender_contact_id = kept and message.sender_jid = p_phone_jid
    returning message.id
  )
  select array_agg(moved.id) into renamed from moved;
  return renamed;
end;
$$;
comment on function wa_private.merge_contacts(uuid, text, text) is
'One person instead of two; the app''s tags and fields are kept from both. Returns the messages that have another '
'sender_jid now.';

create function wa_private.merge_chats(p_session_id uuid, p_phone_jid text, p_lid_jid text)
returns uuid[]
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  old public.wa_chats;
  kept uuid;
begin
  -- Waits for inserts into the outbox that have just found the old chat; those that found the one that is kept
  -- need not be waited for.
  select chat.* into old from public.wa_chats as chat
  where chat.session_id = p_session_id and chat.jid = p_phone_jid
  for update;
  select chat.id into kept from public.wa_chats as chat
  where chat.session_id = p_session_id and chat.jid = p_lid_jid
  for no key update;
  if old.id is null then
    return null;
  end if;
  if kept is null then
    update public.wa_chats as chat set jid = p_lid_jid where chat.id = old.id;
    update public.wa_outbox as entry set to_jid = p_lid_jid where entry.chat_id = old.id;
    return null;
  end if;

  update public.wa_outbox as entry set chat_id = kept, to_jid = p_lid_jid where entry.chat_id = old.id;
  perform wa_private.remember_merge(old.id, kept);
  perform wa_private.merge_messages(p_session_id, old.id, kept);
  perform wa_private.merge_chat_facts(old.id, kept);
  update public.wa_chats as chat
  set
    name = coalesce(chat.name, old.name),
    read_up_to = greatest(chat.read_up_to, old.read_up_to),
    ticked_up_to = greatest(chat.ticked_up_to, old.ticked_up_to),
    unread_count = wa_private.unread_messages(kept, greatest(chat.read_up_to, old.read_up_to)) + case
      when chat.read_up_to is null and old.read_up_to is null then wa_private.unread_when_linked(kept)
      else 0
    end
  where chat.id = kept;
  return array[old.id, kept];
end;
$$;
comment on function wa_private.merge_chats(uuid, text, text) is
'One direct chat instead of two, with the messages and unsent rows of both. Returns the one that is left empty, and '
'the one that is left; null when there were not two.';

create function wa_private.merge_person(p_session_id uuid, p_phone_jid text, p_lid_jid text)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  chats uuid[];
  touched_chats uuid[];
  touched_messages text[];
  renamed uuid[];
  -- Only these: what was said in the chat that is kept, maybe long, stays as it is.
  moved constant text[] := (
    select array_agg(message.whatsapp_id)
    from public.wa_chats as chat
    inner join public.wa_messages as message on message.chat_id = chat.id
    where chat.session_id = p_session_id and chat.jid = p_phone_jid
  );
begin
  renamed := wa_private.merge_contacts(p_session_id, p_phone_jid, p_lid_jid);
  chats := wa_private.merge_chats(p_session_id, p_phone_jid, p_lid_jid);
  perform wa_private.move_receipts(p_session_id, p_phone_jid, p_lid_jid, chats[1], chats[2]);
  perform wa_private.move_reactions(p_session_id, p_phone_jid, p_lid_jid, chats[1], chats[2]);
  perform wa_private.move_votes(p_session_id, p_phone_jid, p_lid_jid, chats[1], chats[2]);
  perform wa_private.move_mentions(p_session_id, p_phone_jid, p_lid_jid);

  -- Changes count now that seemed to be somebody else's, or to be of no message.
  select array_agg(touched.chat_id), array_agg(touched.whatsapp_id)
  into touched_chats, touched_messages
  from (
    select change.chat_id, change.whatsapp_id
    from unnest(
      wa_private.move_changes(p_session_id, p_phone_jid, p_lid_jid, chats[1], chats[2])
    ) as change
    union
    select message.chat_id, message.whatsapp_id
    from public.wa_messages as message
    where message.id = any(renamed)
    union
    select message.chat_id, message.whatsapp_id
    from unnest(moved) as said (whatsapp_id)
    inner join public.wa_messages as message
      on message.session_id = p_session_id and message.chat_id = chats[2] and message.whatsapp_id = said.whatsapp_id
  ) as touched;
  perform wa_private.apply_changes(p_session_id, touched_chats, touched_messages);
  perform wa_private.link_replies(p_session_id, touched_chats, touched_messages);
  perform wa_private.apply_receipts(p_session_id, touched_chats, touched_messages);
  delete from public.wa_chats as chat where chat.id = chats[1];
  perform wa_private.show_newest(touched_chats || chats[2], null);
  perform wa_private.move_look_ups(p_session_id, p_phone_jid, p_lid_jid);
end;
$$;
comment on function wa_private.merge_person(uuid, text, text) is
'Joins all that is kept under a phone address with what is kept under the LID.';

revoke execute on function wa_private.merge_contacts(uuid, text, text) from public, anon, authenticated;
revoke execute on function wa_private.merge_chats(uuid, text, text) from public, anon, authenticated;
revoke execute on function wa_private.merge_person(uuid, text, text) from public, anon, authenticated;
grant execute on function wa_private.merge_contacts(uuid, text, text) to service_role;
grant execute on function wa_private.merge_chats(uuid, text, text) to service_role;
grant execute on function wa_private.merge_person(uuid, text, text) to service_role;
