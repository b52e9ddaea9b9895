-- Purpose: everything inbound names chats and people by either of their addresses; this finds out, once
-- for a whole batch, whom it means.
-- Affects: type wa_private.address, canonical_addresses, phone_number_of,
-- may_be_one, chat_kind, addresses_of, index_addresses (new).

create type wa_private.address as (given text, jid text, is_chat boolean, is_person boolean);
comment on type wa_private.address is
'An address as a batch gives it, the canonical one, and whether it needs a chat, or a contact.';

create function wa_private.canonical_addresses(p_session_id uuid, p_jids text[])
returns text[]
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce(array_agg(coalesce(alias.lid_jid, given.jid) order by given.place), '{}')
  from unnest(p_jids) with ordinality as given (jid, place)
  left join wa_private.contact_aliases as alias
    on alias.session_id = p_session_id and alias.phone_jid = given.jid;
$$;
comment on function wa_private.canonical_addresses(uuid, text[]) is
'The same people by their LIDs, as far as these are known.';

create function wa_private.phone_number_of(p_session_id uuid, p_jid text, p_said text)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return coalesce(
    (
      select split_part(alias.phone_jid, '@', 1)
      from wa_private.contact_aliases as alias
      where alias.session_id = p_session_id and alias.lid_jid = p_jid and not alias.spelling
      order by alias.learned_at desc, alias.phone_jid desc
      limit 1
    ),
    case
      when not exists (
        select from wa_private.contact_aliases as alias
        where alias.session_id = p_session_id and alias.phone_jid = p_said || '@s.whatsapp.net'
          and (alias.spelling or alias.lid_jid <> p_jid)
      )
        then p_said
    end,
    substring(p_jid from '^(.*)@s\.whatsapp\.net$')
  );
end;
$$;
comment on function wa_private.phone_number_of(uuid, text, text) is
'This person''s number as WhatsApp writes it; p_said if nothing better is known and it is neither merely a '
'spelling nor somebody else''s by now.';

create function wa_private.may_be_one(p_jid text, p_other_jid text)
returns boolean
language sql
immutable
security invoker
set search_path = ''
as $$
  select p_jid is null
    or p_other_jid is null
    or p_jid = p_other_jid
    or (p_jid like '%@lid') <> (p_other_jid like '%@lid');
$$;
comment on function wa_private.may_be_one(text, text) is
'Whether two canonical addresses may be the same person''s: the LID of a phone address may not be known yet.';

create function wa_private.chat_kind(p_jid text)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select case
    when p_jid like '%@g.us' then 'group'
    when p_jid = 'status@broadcast' then 'status'
    when p_jid like '%@newsletter' then 'newsletter'
    else 'direct'
  end;
$$;
comment on function wa_private.chat_kind(text) is 'What kind of chat has this address.';

create function wa_private.addresses_of(p_session_id uuid, p_batch jsonb)
returns wa_private.address[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    with named as (
      select
        item.value ->> place.key as jid,
        -- The linked number itself is no contact of its own.
        case when place.role = 'chat' or item.value -> 'from_me' is distinct from 'true' then place.role end as role
      from (
        values
        ('messages', 'chat_jid', 'chat'), ('messages', 'sender_jid', 'person'),
        ('receipts', 'chat_jid', 'chat'), ('receipts', 'participant_jid', null),
        ('chats', 'jid', 'chat'), ('contacts', 'jid', 'person'),
        ('own_reads', 'chat_jid', 'chat'), ('chat_updates', 'jid', 'chat'),
        ('edits', 'chat_jid', 'chat'), ('edits', 'sender_jid', null),
        ('revokes', 'chat_jid', 'chat'), ('revokes', 'revoked_by_jid', null),
        ('reactions', 'chat_jid', 'chat'), ('reactions', 'sender_jid', 'person'),
        ('votes', 'chat_jid', 'chat'), ('votes', 'voter_jid', 'person'),
        ('members', 'chat_jid', 'chat'), ('members', 'jid', 'person'),
        ('rosters', 'chat_jid', 'chat')
      ) as place (list, key, role)
      cross join lateral jsonb_array_elements(p_batch -> place.list) as item
      union all
      select member.value ->> 'jid', 'person'
      from jsonb_array_elements(p_batch -> 'rosters') as roster
      cross join lateral jsonb_array_elements(roster.value -> 'members') as member
    )
    select
      array_agg(row(
        given.jid, coalesce(alias.lid_jid, given.jid), given.is_chat, given.is_person
      )::wa_private.address)
    from (
      select
        named.jid,
        coalesce(bool_or(named.role = 'chat'), false) as is_chat,
        coalesce(bool_or(named.role = 'person'), false) as is_person
      from named
      where named.jid is not null
      group by named.jid
    ) as given
    -- Lateral, so that each is looked up by index however stale the planner's statistics.
    left join lateral (
      select known.lid_jid
      from wa_private.contact_aliases as known
      where known.session_id = p_session_id and known.phone_jid = given.jid and given.jid like '%@s.whatsapp.net'
      limit 1
    ) as alias on true
  );
end;
$$;
comment on function wa_private.addresses_of(uuid, jsonb) is 'Every address that a batch mentions, each once.';

create function wa_private.index_addresses(p_session_id uuid, p_addresses wa_private.address[])
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(
      jsonb_object_agg(
        address.given, jsonb_build_object('jid', address.jid, 'chat', chat.id, 'contact', contact.id)
      ),
      '{}'
    )
    from unnest(p_addresses) as address
    left join lateral (
      select known.id
      from public.wa_chats as known
      where known.session_id = p_session_id and known.jid = address.jid and address.is_chat
      limit 1
    ) as chat on true
    left join lateral (
      select known.id
      from public.wa_contacts as known
      where known.session_id = p_session_id and known.jid = address.jid and address.is_person
      limit 1
    ) as contact on true
  );
end;
$$;
comment on function wa_private.index_addresses(uuid, wa_private.address[]) is
'{<address>: {jid: <canonical>, chat: <id>, contact: <id>}}, of all that a batch mentions.';

revoke execute on function wa_private.canonical_addresses(uuid, text[]) from public, anon, authenticated;
revoke execute on function wa_private.phone_number_of(uuid, text, text) from public, anon, authenticated;
revoke execute on function wa_private.may_be_one(text, text) from public, anon, authenticated;
revoke execute on function wa_private.chat_kind(text) from public, anon, authenticated;
revoke execute on function wa_private.addresses_of(uuid, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.index_addresses(uuid, wa_private.address[]) from public, anon, authenticated;
grant execute on function wa_private.canonical_addresses(uuid, text[]) to service_role;
grant execute on function wa_private.phone_number_of(uuid, text, text) to service_role;
grant execute on function wa_private.may_be_one(text, text) to service_role;
grant execute on function wa_private.chat_kind(text) to service_role;
grant execute on function wa_private.addresses_of(uuid, jsonb) to service_role;
grant execute on function wa_private.index_addresses(uuid, wa_private.address[]) to service_role;
