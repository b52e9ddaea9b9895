-- Purpose: the people and chats that something inbound mentions.
-- Affects: wa_private.store_aliases, store_contacts, store_chats (new).

create function wa_private.store_aliases(p_session_id uuid, p_aliases jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  phones text[];
  lids text[];
  twofold record;
begin
  with learned as (
    insert into wa_private.contact_aliases as alias (session_id, phone_jid, lid_jid)
    select distinct on (given.phone) p_session_id, given.phone, given.lid
    from jsonb_to_recordset(p_aliases) as given (lid text, phone text)
    order by given.phone
    on conflict (session_id, phone_jid) do update
    set lid_jid = excluded.lid_jid, learned_at = now()
    where alias.lid_jid <> excluded.lid_jid
    returning alias.phone_jid, alias.lid_jid
  )
  select array_agg(learned.phone_jid), array_agg(learned.lid_jid) into phones, lids from learned;

  -- Mostly a person was never known by the phone address, and there is nothing to join.
  for twofold in
    select learned.phone, learned.lid
    from unnest(phones, lids) as learned (phone, lid)
    where exists (
      select from public.wa_contacts as contact
      where contact.session_id = p_session_id and contact.jid = learned.phone
    ) or exists (
      select from public.wa_chats as chat
      where chat.session_id = p_session_id and chat.jid = learned.phone
    ) or exists (
      select from public.wa_receipts as receipt
      where receipt.session_id = p_session_id
        and receipt.participant_jid = learned.phone and receipt.participant_jid like '%@s.whatsapp.net'
    ) or exists (
      select from public.wa_reactions as reaction
      where reaction.session_id = p_session_id
        and reaction.sender_jid = learned.phone and reaction.sender_jid like '%@s.whatsapp.net'
    )
  loop
    perform wa_private.merge_contacts(p_session_id, twofold.phone, twofold.lid);
    perform wa_private.merge_chats(p_session_id, twofold.phone, twofold.lid);
  end loop;
  update public.wa_contacts as contact
  set phone_number = split_part(learned.phone, '@', 1)
  from unnest(phones, lids) as learned (phone, lid)
  where contact.session_id = p_session_id
    and contact.jid = learned.lid
    and contact.phone_number is distinct from split_part(learned.phone, '@', 1);
end;
$$;
comment on function wa_private.store_aliases(uuid, jsonb) is
'Learns which LID a phone address belongs to, and joins what was kept under both.';

create function wa_private.store_contacts(p_session_id uuid, p_workspace_id uuid, p_batch jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  changed integer;
begin
  insert into public.wa_contacts as contact (workspace_id, session_id, jid, phone_number, push_name)
  select
    p_workspace_id, p_session_id, person.jid,
    coalesce(
      max(person.phone_number), max(split_part(alias.phone_jid, '@', 1)),
      substring(person.jid from '^(.*)@s\.whatsapp\.net$')
    ),
    max(person.push_name)
  from (
    select coalesce(canonical.lid_jid, given.jid) as jid, given.phone_number, given.push_name
    from (
      select contact.jid, contact.phone_number, contact.push_name
      from jsonb_to_recordset(p_batch -> 'contacts') as contact (jid text, phone_number text, push_name text)
      union all
      select chat.jid, null, null
      from jsonb_to_recordset(p_batch -> 'chats') as chat (jid text)
      union all
      select distinct message.chat_jid, null, null
      from jsonb_to_recordset(p_batch -> 'messages') as message (chat_jid text)
      union all
      select distinct message.sender_jid, null, null
      from jsonb_to_recordset(p_batch -> 'messages') as message (sender_jid text, from_me boolean)
      where not message.from_me
      union all
      select distinct receipt.chat_jid, null, null
      from jsonb_to_recordset(p_batch -> 'receipts') as receipt (chat_jid text)
    ) as given
    left join wa_private.contact_aliases as canonical
      on canonical.session_id = p_session_id and canonical.phone_jid = given.jid
    where given.jid not like '%@g.us'
  ) as person
  left join wa_private.contact_aliases as alias
    on alias.session_id = p_session_id and alias.lid_jid = person.jid
  group by person.jid
  order by person.jid
  on conflict (session_id, jid) do update
  set
    phone_number = coalesce(excluded.phone_number, contact.phone_number),
    push_name = coalesce(excluded.push_name, contact.push_name)
  where coalesce(excluded.phone_number, contact.phone_number) is distinct from contact.phone_number
    or coalesce(excluded.push_name, contact.push_name) is distinct from contact.push_name;
  get diagnostics changed = row_count;
  return changed;
end;
$$;
comment on function wa_private.store_contacts(uuid, uuid, jsonb) is
'Everybody the batch mentions, named or not; returns how many are new or changed.';

create function wa_private.store_chats(p_session_id uuid, p_workspace_id uuid, p_batch jsonb)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  insert into public.wa_chats as chat (workspace_id, session_id, jid, kind, name, contact_id)
  select
    p_workspace_id, p_session_id, given.jid,
    case when given.jid like '%@g.us' then 'group' else 'direct' end,
    max(given.name), min(contact.id::text)::uuid
  from (
    select coalesce(canonical.lid_jid, mentioned.jid) as jid, mentioned.name
    from (
      select chat.jid, chat.name
      from jsonb_to_recordset(p_batch -> 'chats') as chat (jid text, name text)
      union all
      select distinct message.chat_jid, null
      from jsonb_to_recordset(p_batch -> 'messages') as message (chat_jid text)
      union all
      select distinct receipt.chat_jid, null
      from jsonb_to_recordset(p_batch -> 'receipts') as receipt (chat_jid text)
    ) as mentioned
    left join wa_private.contact_aliases as canonical
      on canonical.session_id = p_session_id and canonical.phone_jid = mentioned.jid
  ) as given
  left join public.wa_contacts as contact
    on contact.session_id = p_session_id and contact.jid = given.jid
  group by given.jid
  order by given.jid
  on conflict (session_id, jid) do update
  set
    name = coalesce(excluded.name, chat.name),
    contact_id = coalesce(chat.contact_id, excluded.contact_id)
  where coalesce(excluded.name, chat.name) is distinct from chat.name
    or (chat.contact_id is null and excluded.contact_id is not null);
$$;
comment on function wa_private.store_chats(uuid, uuid, jsonb) is
'Every chat the batch mentions; a direct chat''s contact must exist.';

revoke execute on function wa_private.store_contacts(uuid, uuid, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.store_chats(uuid, uuid, jsonb) from public, anon, authenticated;
grant execute on function wa_private.store_contacts(uuid, uuid, jsonb) to service_role;
grant execute on function wa_private.store_chats(uuid, uuid, jsonb) to service_role;
revoke execute on function wa_private.store_aliases(uuid, jsonb) from public, anon, authenticated;
grant execute on function wa_private.store_aliases(uuid, jsonb) to service_role;
