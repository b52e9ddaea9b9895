-- Purpose: what has to be joined when a phone address turns out to be somebody's, and what is locked for it.
-- Affects: wa_private.is_known, lock_merging_chats (new).

create function wa_private.is_known(p_session_id uuid, p_phone_jid text)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return exists (
    select from public.wa_contacts as contact
    where contact.session_id = p_session_id and contact.jid = p_phone_jid
  ) or exists (
    select from public.wa_chats as chat
    where chat.session_id = p_session_id and chat.jid = p_phone_jid
  ) or exists (
    select from public.wa_receipts as receipt
    where receipt.session_id = p_session_id
      and receipt.participant_jid = p_phone_jid and receipt.participant_jid like '%@s.whatsapp.net'
  ) or exists (
    select from public.wa_reactions as reaction
    where reaction.session_id = p_session_id
      and reaction.sender_jid = p_phone_jid and reaction.sender_jid like '%@s.whatsapp.net'
  ) or exists (
    select from public.wa_poll_votes as vote
    where vote.session_id = p_session_id
      and vote.voter_jid = p_phone_jid and vote.voter_jid like '%@s.whatsapp.net'
  ) or exists (
    select from wa_private.message_changes as change
    where change.session_id = p_session_id
      and change.done_by_jid = p_phone_jid and change.done_by_jid like '%@s.whatsapp.net'
  ) or exists (
    -- In two steps, so that only the index of mentions can be used.
    select from (
      select message.session_id
      from public.wa_messages as message
      where message.mentions @> array[p_phone_jid] and message.mentions <> '{}'
      offset 0
    ) as mentioning
    where mentioning.session_id = p_session_id
  );
end;
$$;
comment on function wa_private.is_known(uuid, text) is
'Whether anything is kept under a phone address that has to follow when the person''s LID becomes known.';

create function wa_private.lock_merging_chats(p_session_id uuid, p_batch jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  phones constant text[] := (
    select array_agg(given.phone)
    from jsonb_to_recordset(p_batch -> 'aliases') as given (lid text, phone text)
    where not exists (
        select from wa_private.contact_aliases as known
        where known.session_id = p_session_id and known.phone_jid = given.phone and known.lid_jid = given.lid
      )
      and wa_private.is_known(p_session_id, given.phone)
  );
begin
  if phones is null then
    return;
  end if;
  perform from public.wa_chats as chat
  where chat.id in (
    select named.id
    from (
      select unnest(array[address.given, address.jid]) as jid
      from unnest(wa_private.addresses_of(p_session_id, p_batch)) as address
      union
      select unnest(array[given.lid, given.phone]) as jid
      from jsonb_to_recordset(p_batch -> 'aliases') as given (lid text, phone text)
    ) as mentioned
    inner join public.wa_chats as named on named.session_id = p_session_id and named.jid = mentioned.jid
    union
    select change.chat_id
    from wa_private.message_changes as change
    where change.session_id = p_session_id
      and change.done_by_jid = any(phones) and change.done_by_jid like '%@s.whatsapp.net'
    union
    select message.chat_id
    from public.wa_contacts as contact
    inner join public.wa_messages as message on message.sender_contact_id = contact.id
    where contact.session_id = p_session_id and contact.jid = any(phones)
  )
  order by chat.jid
  for no key update;
end;
$$;
comment on function wa_private.lock_merging_chats(uuid, jsonb) is
'Locks all chats a batch will write to, by address, when it joins people: the app''s inserts, which lock chats in the '
'same order, wait instead of deadlocking.';

revoke execute on function wa_private.is_known(uuid, text) from public, anon, authenticated;
revoke execute on function wa_private.lock_merging_chats(uuid, jsonb) from public, anon, authenticated;
grant execute on function wa_private.is_known(uuid, text) to service_role;
grant execute on function wa_private.lock_merging_chats(uuid, jsonb) to service_role;
