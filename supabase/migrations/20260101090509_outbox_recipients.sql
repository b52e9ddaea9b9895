-- Purpose: which chat a row of the outbox is for: by phone number, JID or chat id, or that of the message it names.
-- Affects: wa_private.open_chat, recipient_jid, hold_chat, is_chat_of, chat_of_row (new).

create function wa_private.open_chat(p_session_id uuid, p_workspace_id uuid, p_jid text)
returns uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  canonical text;
  known_contact uuid;
  known_chat uuid;
begin
  for attempt in 1..2 loop
    canonical := coalesce(
      (
        select alias.lid_jid
        from wa_private.contact_aliases as alias
        where alias.session_id = p_session_id and alias.phone_jid = p_jid
      ),
      p_jid
    );
    -- A chat by phone address may be about to be merged into another: it is locked in one's turn only, or two
    -- rows of one statement would deadlock with the batch that merges.
    if attempt = 2 or canonical not like '%@s.whatsapp.net' then
      select chat.id into known_chat
      from public.wa_chats as chat
      where chat.session_id = p_session_id and chat.jid = canonical
      for key share;
      if found then
        return known_chat;
      end if;
    end if;
    -- A batch may just be learning that this number is somebody known: look again after it.
    perform wa_private.take_turns(p_session_id);
  end loop;

  if canonical not like '%@g.us' then
    insert into public.wa_contacts (workspace_id, session_id, jid, phone_number)
    values (
      p_workspace_id, p_session_id, canonical, substring(canonical from '^(.*)@s\.whatsapp\.net$')
    )
    on conflict (session_id, jid) do nothing;
    select contact.id into known_contact
    from public.wa_contacts as contact
    where contact.session_id = p_session_id and contact.jid = canonical;
  end if;
  insert into public.wa_chats (workspace_id, session_id, jid, kind, contact_id)
  values (
    p_workspace_id, p_session_id, canonical,
    case when canonical like '%@g.us' then 'group' else 'direct' end, known_contact
  )
  on conflict (session_id, jid) do nothing;
  select chat.id into known_chat
  from public.wa_chats as chat
  where chat.session_id = p_session_id and chat.jid = canonical;
  return known_chat;
end;
$$;
comment on function wa_private.open_chat(uuid, uuid, text) is
'The chat with this address, made if there is none yet.';

create function wa_private.recipient_jid(p_to text)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  jid constant text[] := regexp_match(
    btrim(p_to), '^([0-9A-Za-z_.-]{1,64})(?::[0-9]{1,3})?@(s\.whatsapp\.net|lid|g\.us)$'
  );
  -- The punctuation people write numbers with; connector/domain/addresses.py reads the same.
  -- The JID of a number is held to the same: WhatsApp is asked about it, and the answer is kept under the number.
  digits constant text := coalesce(jid[1], regexp_replace(p_to, '[\s().\-/\u00a0\u2010-\u2015]', '', 'g'));
begin
  if jid[2] in ('lid', 'g.us') then
    return jid[1] || '@' || jid[2];
  end if;
  if digits ~ '^\+?[1-9][0-9]{6,14}$' then
    return ltrim(digits, '+') || '@s.whatsapp.net';
  end if;
  return null;
end;
$$;
comment on function wa_private.recipient_jid(text) is 'The address a phone number or JID names, or null.';

create function wa_private.hold_chat(p_session_id uuid, p_id uuid)
returns uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  held uuid;
begin
  -- Why one waits for one's turn: open_chat says it.
  perform wa_private.take_turns(p_session_id)
  from public.wa_chats as chat
  where chat.session_id = p_session_id and chat.id = p_id and chat.jid like '%@s.whatsapp.net';
  select chat.id into held
  from public.wa_chats as chat
  where chat.session_id = p_session_id
    and chat.id = wa_private.surviving_chat(p_id)
    -- Nobody writes to the others: a status would go to everybody the number knows.
    and chat.kind in ('direct', 'group')
  for key share;
  return held;
end;
$$;
comment on function wa_private.hold_chat(uuid, uuid) is
'The chat of the session that an id leads to by now, kept from being merged until the transaction ends; null: none.';

create function wa_private.is_chat_of(p_chat_id uuid, p_session_id uuid, p_to text)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select case
    when p_to ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
      then wa_private.surviving_chat(p_to::uuid) = p_chat_id
    else exists (
      select from public.wa_chats as chat
      where chat.id = p_chat_id
        and chat.jid = (wa_private.canonical_addresses(p_session_id, array[wa_private.recipient_jid(p_to)]))[1]
    )
  end;
$$;
comment on function wa_private.is_chat_of(uuid, uuid, text) is 'Whether a recipient is this chat.';

create function wa_private.chat_of_row(p_entry public.wa_outbox)
returns uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  longest_recipient constant integer := 100;
  address text;
  named uuid;
begin
  if length(p_entry."to") > longest_recipient then
    return null;
  elsif p_entry.kind in ('reaction', 'edit', 'delete', 'read') and p_entry.payload ->> 'message_id' is not null then
    named := wa_private.hold_chat(
      p_entry.session_id,
      (wa_private.known_message(p_entry.session_id, p_entry.payload ->> 'message_id')).chat_id
    );
    return case
      when p_entry."to" = '' or wa_private.is_chat_of(named, p_entry.session_id, p_entry."to") then named
    end;
  elsif p_entry."to" ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    return wa_private.hold_chat(p_entry.session_id, p_entry."to"::uuid);
  end if;
  address := wa_private.recipient_jid(p_entry."to");
  return case
    when address is not null then wa_private.open_chat(p_entry.session_id, p_entry.workspace_id, address)
  end;
end;
$$;
comment on function wa_private.chat_of_row(public.wa_outbox) is
'The chat that a row is for, made if a good address has none yet; null: it names none.';

revoke execute on function wa_private.open_chat(uuid, uuid, text) from public, anon, authenticated;
revoke execute on function wa_private.recipient_jid(text) from public, anon, authenticated;
revoke execute on function wa_private.hold_chat(uuid, uuid) from public, anon, authenticated;
revoke execute on function wa_private.is_chat_of(uuid, uuid, text) from public, anon, authenticated;
revoke execute on function wa_private.chat_of_row(public.wa_outbox) from public, anon, authenticated;
