-- Purpose: what an insert into wa_outbox brings about at once: it finds the chat, shows the
-- message as pending, and rings the connector's doorbell.
-- Affects: triggers on public.wa_outbox (new).
-- A malformed recipient, kind or payload never raises here: one bad row must not refuse the
-- others of its statement. The connector fails it with a code and a sentence.

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
  digits constant text := regexp_replace(p_to, '[\s().\-/\u00a0\u2010-\u2015]', '', 'g');
begin
  if jid is not null then
    return jid[1] || '@' || jid[2];
  end if;
  if digits ~ '^\+?[1-9][0-9]{6,14}$' then
    return ltrim(digits, '+') || '@s.whatsapp.net';
  end if;
  return null;
end;
$$;
comment on function wa_private.recipient_jid(text) is 'The address a phone number or JID names, or null.';

-- security definer: members may not write chats, and read sessions of their own only.
create function wa_private.prepare_outbox_row()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  longest_recipient constant integer := 100;
  longest_text constant integer := 65536;
  uuid_form constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
  address text;
begin
  new.created_by := coalesce(auth.uid(), new.created_by);
  new.workspace_id := (
    select session.workspace_id from public.wa_sessions as session where session.id = new.session_id
  );
  new."to" := coalesce(new."to", '');
  new.kind := coalesce(new.kind, '');
  new.payload := coalesce(new.payload, 'null');
  new.chat_id := null;
  new.message_id := null;
  -- Without a session of ours the row is refused after this trigger.
  if new.workspace_id is null or length(new."to") > longest_recipient then
    return new;
  end if;

  if new."to" ~* uuid_form then
    perform wa_private.take_turns(new.session_id)
    from public.wa_chats as chat
    where chat.session_id = new.session_id and chat.id = new."to"::uuid and chat.jid like '%@s.whatsapp.net';
    select chat.id into new.chat_id
    from public.wa_chats as chat
    where chat.session_id = new.session_id and chat.id = new."to"::uuid
    for key share;
  else
    address := wa_private.recipient_jid(new."to");
    if address is not null then
      new.chat_id := wa_private.open_chat(new.session_id, new.workspace_id, address);
    end if;
  end if;
  new.to_jid := (select chat.jid from public.wa_chats as chat where chat.id = new.chat_id);
  if new.chat_id is not null
    and new.kind = 'text'
    and jsonb_typeof(new.payload -> 'text') = 'string'
    and new.payload ->> 'text' ~ '\S'
    and length(new.payload ->> 'text') <= longest_text
  then
    new.message_id := gen_random_uuid();
  end if;
  return new;
end;
$$;
comment on function wa_private.prepare_outbox_row() is 'Trigger: fills in tenant, chat and message id.';

create trigger before_insert_prepare
before insert on public.wa_outbox
for each row execute function wa_private.prepare_outbox_row();

-- security definer: members may not write messages or chats, nor broadcast.
create function wa_private.announce_outbox_rows()
returns trigger
language plpgsql
security definer
set search_path = ''
-- As wa_store_batch does: its plans are made while a new number's tables are still empty, and kept.
set enable_seqscan = off
as $$
begin
  insert into public.wa_messages (
    id, workspace_id, session_id, chat_id, from_me, sender_jid, kind, body, sent_at, status, source
  )
  select
    entry.message_id, entry.workspace_id, entry.session_id, entry.chat_id, true,
    coalesce(session.lid, session.jid), entry.kind, entry.payload ->> 'text', now(), 'pending', 'outbox'
  from inserted as entry
  inner join public.wa_sessions as session on session.id = entry.session_id
  where entry.message_id is not null
  order by entry.seq;

  -- By address, as wa_store_batch does: who writes to the same chats waits, and nobody deadlocks.
  perform from public.wa_chats as chat
  where chat.id in (select entry.chat_id from inserted as entry where entry.message_id is not null)
  order by chat.jid
  for no key update;

  update public.wa_chats as chat
  set
    last_message_at = now(),
    last_message_preview = newest.preview,
    last_message_kind = newest.kind,
    last_message_from_me = true
  from (
    select distinct on (entry.chat_id) entry.chat_id, entry.kind, left(entry.payload ->> 'text', 200) as preview
    from inserted as entry
    where entry.message_id is not null
    order by entry.chat_id, entry.seq desc
  ) as newest
  where chat.id = newest.chat_id
    and coalesce(chat.last_message_at, '-infinity') <= now();

  perform realtime.send(jsonb_build_object('session_id', rung.session_id), 'outbox_queued', 'wa:connectors', true)
  from (select distinct entry.session_id from inserted as entry) as rung;
  return null;
end;
$$;
comment on function wa_private.announce_outbox_rows() is
'Trigger: shows queued messages in their chats and rings the connectors'' doorbell.';

create trigger after_insert_announce
after insert on public.wa_outbox
referencing new table as inserted
for each statement execute function wa_private.announce_outbox_rows();

revoke execute on function wa_private.open_chat(uuid, uuid, text) from public, anon, authenticated;
revoke execute on function wa_private.recipient_jid(text) from public, anon, authenticated;
revoke execute on function wa_private.prepare_outbox_row() from public, anon, authenticated;
revoke execute on function wa_private.announce_outbox_rows() from public, anon, authenticated;
