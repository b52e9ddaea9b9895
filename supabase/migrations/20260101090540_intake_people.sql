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
  -- A number may have moved to somebody else.
  losers constant text[] := (
    select array_agg(known.lid_jid)
    from jsonb_to_recordset(p_aliases) as given (lid text, phone text)
    inner join wa_private.contact_aliases as known
      on known.session_id = p_session_id and known.phone_jid = given.phone
    where known.lid_jid <> given.lid
  );
begin
  with learned as (
    insert into wa_private.contact_aliases as alias (session_id, phone_jid, lid_jid, spelling, learned_at)
    select
      p_session_id, given.phone, (array_agg(given.lid order by given.place desc))[1],
      bool_and(coalesce(given.spelling, false)),
      -- One after the other: of two numbers of one person the newer is shown.
      statement_timestamp() + max(given.place) * interval '1 microsecond'
    from rows from (jsonb_to_recordset(p_aliases) as (lid text, phone text, spelling boolean))
      with ordinality as given (lid, phone, spelling, place)
    where given.lid <> given.phone
    group by given.phone
    order by given.phone
    on conflict (session_id, phone_jid) do update
    set lid_jid = excluded.lid_jid, spelling = alias.spelling and excluded.spelling, learned_at = excluded.learned_at
    where alias.lid_jid <> excluded.lid_jid or (alias.spelling and not excluded.spelling)
    returning alias.phone_jid, alias.lid_jid
  )
  select array_agg(learned.phone_jid), array_agg(learned.lid_jid) into phones, lids from learned;
  if phones is null then
    return;
  end if;

  -- Mostly a person was never known by the phone address, and there is nothing to join.
  for twofold in
    select learned.phone, learned.lid
    from unnest(phones, lids) as learned (phone, lid)
    where wa_private.is_known(p_session_id, learned.phone)
  loop
    perform wa_private.merge_person(p_session_id, twofold.phone, twofold.lid);
  end loop;
  update public.wa_contacts as contact
  set phone_number = wa_private.phone_number_of(p_session_id, contact.jid, contact.phone_number)
  where contact.session_id = p_session_id
    and contact.jid = any(lids || losers)
    and contact.phone_number is distinct
    from wa_private.phone_number_of(p_session_id, contact.jid, contact.phone_number);
end;
$$;
comment on function wa_private.store_aliases(uuid, jsonb) is
'Learns which LID a phone address belongs to, and joins what was kept under both.';

create function wa_private.store_contacts(
  p_session_id uuid, p_workspace_id uuid, p_contacts jsonb, p_addresses wa_private.address[]
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  changed integer;
begin
  with mentioned as (
    -- Of what the batch says about a person the last counts.
    select
      address.jid,
      jsonb_object_agg(fact.key, fact.value order by said.place) filter (where fact.value <> 'null') as told,
      -- What history calls somebody fills what is unknown; it begins with the newest.
      (array_agg(fact.value #>> '{}' order by said.place) filter (where fact.key = 'past_name'))[1] as past_name
    from unnest(p_addresses) as address
    left join jsonb_array_elements(p_contacts) with ordinality as said (contact, place)
      on said.contact ->> 'jid' = address.given
    left join lateral jsonb_each(said.contact) as fact on true
    where (address.is_person or address.is_chat)
      and address.jid !~ '@(g\.us|broadcast|newsletter)$'
    group by address.jid
  ),
  person as (
    select
      mentioned.jid, known.id,
      wa_private.phone_number_of(
        p_session_id, mentioned.jid, coalesce(mentioned.told ->> 'phone_number', known.phone_number)
      ) as phone_number,
      coalesce(mentioned.told ->> 'push_name', known.push_name, mentioned.past_name) as push_name,
      nullif(coalesce(mentioned.told ->> 'saved_name', known.saved_name), '') as saved_name,
      coalesce(mentioned.told ->> 'business_name', known.business_name) as business_name,
      coalesce((mentioned.told -> 'on_whatsapp')::boolean, known.on_whatsapp) as on_whatsapp,
      case when mentioned.told ? 'on_whatsapp' then now() else known.on_whatsapp_checked_at end as checked_at,
      known as before
    from mentioned
    -- Lateral, so that each is looked up by index however stale the planner's statistics.
    left join lateral (
      select contact.*
      from public.wa_contacts as contact
      where contact.session_id = p_session_id and contact.jid = mentioned.jid
      limit 1
    ) as known on true
  )
  insert into public.wa_contacts as contact (
    workspace_id, session_id, jid, phone_number, push_name, saved_name, business_name, on_whatsapp,
    on_whatsapp_checked_at
  )
  select
    p_workspace_id, p_session_id, person.jid, person.phone_number, person.push_name, person.saved_name,
    person.business_name, person.on_whatsapp, person.checked_at
  from person
  where person.id is null
    or (
      person.phone_number, person.push_name, person.saved_name, person.business_name, person.on_whatsapp,
      person.checked_at
    ) is distinct from (
      (person.before).phone_number, (person.before).push_name, (person.before).saved_name,
      (person.before).business_name, (person.before).on_whatsapp, (person.before).on_whatsapp_checked_at
    )
  order by person.jid
  on conflict (session_id, jid) do update
  set
    phone_number = coalesce(excluded.phone_number, contact.phone_number),
    push_name = excluded.push_name,
    saved_name = excluded.saved_name,
    business_name = excluded.business_name,
    on_whatsapp = excluded.on_whatsapp,
    on_whatsapp_checked_at = excluded.on_whatsapp_checked_at;
  get diagnostics changed = row_count;
  return changed;
end;
$$;
comment on function wa_private.store_contacts(uuid, uuid, jsonb, wa_private.address[]) is
'Everybody the batch mentions, named or not; returns how many are new or changed.';

create function wa_private.store_chats(
  p_session_id uuid, p_workspace_id uuid, p_chats jsonb, p_addresses wa_private.address[]
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  -- Also those that are known, in the order of their addresses: that locks them, and whoever writes to
  -- the same chats waits instead of deadlocking.
  insert into public.wa_chats as chat (workspace_id, session_id, jid, kind, name, contact_id)
  select
    p_workspace_id, p_session_id, mentioned.jid,
    coalesce(mentioned.kind, wa_private.chat_kind(mentioned.jid)), mentioned.name, contact.id
  from (
    select
      address.jid, max(given.kind) as kind,
      (array_agg(given.name order by given.place) filter (where given.name is not null))[1] as name
    from unnest(p_addresses) as address
    left join rows from (jsonb_to_recordset(p_chats) as (jid text, kind text, name text))
      with ordinality as given (jid, kind, name, place)
      on given.jid = address.given
    where address.is_chat
    group by address.jid
  ) as mentioned
  left join lateral (
    select person.id
    from public.wa_contacts as person
    where person.session_id = p_session_id
      and person.jid = mentioned.jid
    limit 1
  ) as contact on true
  order by mentioned.jid
  on conflict (session_id, jid) do update
  set
    name = coalesce(chat.name, excluded.name),
    contact_id = coalesce(chat.contact_id, excluded.contact_id)
  where (chat.name is null and excluded.name is not null)
    or (chat.contact_id is null and excluded.contact_id is not null);
end;
$$;
comment on function wa_private.store_chats(uuid, uuid, jsonb, wa_private.address[]) is
'Every chat the batch mentions; a direct chat''s contact must exist. A name given here fills what is unknown.';

revoke execute on function wa_private.store_aliases(uuid, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.store_contacts(uuid, uuid, jsonb, wa_private.address[])
from public, anon, authenticated;
revoke execute on function wa_private.store_chats(uuid, uuid, jsonb, wa_private.address[])
from public, anon, authenticated;
grant execute on function wa_private.store_aliases(uuid, jsonb) to service_role;
grant execute on function wa_private.store_contacts(uuid, uuid, jsonb, wa_private.address[]) to service_role;
grant execute on function wa_private.store_chats(uuid, uuid, jsonb, wa_private.address[]) to service_role;
