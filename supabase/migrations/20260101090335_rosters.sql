-- Purpose: how news about who is in a group becomes who is in it, whatever order it comes in.
-- Affects: wa_private.keep_members, store_members, store_rosters, merge_members (new).

create function wa_private.keep_members(p_facts wa_private.member_facts[])
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  -- Of two things told for the same moment the higher role counts, whichever comes first.
  ranks constant text[] := '{member,admin,superadmin}';
  changed integer;
begin
  with kept as (
    insert into wa_private.member_facts as known (chat_id, contact_id, role, as_of)
    select distinct on (fact.chat_id, fact.contact_id) fact.chat_id, fact.contact_id, fact.role, fact.as_of
    from unnest(p_facts) as fact
    left join wa_private.rosters as roster on roster.chat_id = fact.chat_id
    -- A roster said everything there was to say until then.
    where fact.as_of >= coalesce(roster.as_of, '-infinity')
    order by
      fact.chat_id, fact.contact_id, fact.as_of desc, coalesce(array_position(ranks, fact.role), 0) desc
    on conflict (chat_id, contact_id) do update
    set role = excluded.role, as_of = excluded.as_of
    where (excluded.as_of, coalesce(array_position(ranks, excluded.role), 0))
      > (known.as_of, coalesce(array_position(ranks, known.role), 0))
    returning known.chat_id, known.contact_id, known.role
  ),
  gone as (
    delete from public.wa_group_members as member
    using kept
    where kept.role is null and member.chat_id = kept.chat_id and member.contact_id = kept.contact_id
    returning member.contact_id
  ),
  shown as (
    insert into public.wa_group_members as member (chat_id, contact_id, workspace_id, session_id, role)
    select kept.chat_id, kept.contact_id, chat.workspace_id, chat.session_id, kept.role
    from kept
    inner join public.wa_chats as chat on chat.id = kept.chat_id
    where kept.role is not null
    on conflict (chat_id, contact_id) do update
    set role = excluded.role
    where member.role <> excluded.role
    returning member.contact_id
  )
  select (select count(*) from gone) + (select count(*) from shown) into changed;
  return changed;
end;
$$;
comment on function wa_private.keep_members(wa_private.member_facts[]) is
'Keeps the newest of each person in each group and shows who is in it; returns how many rows changed.';

create function wa_private.store_members(p_session_id uuid, p_workspace_id uuid, p_items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  facts wa_private.member_facts[];
begin
  select array_agg(row(chat.id, contact.id, given.role, given.as_of)::wa_private.member_facts)
  into facts
  from jsonb_to_recordset(p_items) as given (chat_jid text, jid text, role text, as_of timestamptz)
  inner join public.wa_chats as chat
    on chat.session_id = p_session_id and chat.jid = given.chat_jid and chat.kind = 'group'
  left join wa_private.contact_aliases as alias
    on alias.session_id = p_session_id and alias.phone_jid = given.jid
  inner join public.wa_contacts as contact
    on contact.session_id = p_session_id and contact.jid = coalesce(alias.lid_jid, given.jid)
  where given.as_of is not null;
  return wa_private.keep_members(facts);
end;
$$;
comment on function wa_private.store_members(uuid, uuid, jsonb) is
'Stores members as wa_store_batch describes them; their chats and contacts must exist. Returns how many rows changed.';

create function wa_private.store_rosters(p_session_id uuid, p_workspace_id uuid, p_items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  facts wa_private.member_facts[];
  gone integer;
begin
  -- Of several the newest. One that lists nobody is no roster: whoever may ask is in the group.
  with given as (
    select chat.id as chat_id, chat.jid, roster.as_of, roster.members
    from jsonb_to_recordset(p_items) as roster (chat_jid text, as_of timestamptz, members jsonb)
    inner join public.wa_chats as chat
      on chat.session_id = p_session_id and chat.jid = roster.chat_jid and chat.kind = 'group'
    where jsonb_array_length(roster.members) > 0
  ),
  newest as (
    insert into wa_private.rosters as known (chat_id, as_of)
    select given.chat_id, max(given.as_of) as as_of
    from given
    where given.as_of is not null
    group by given.chat_id
    on conflict (chat_id) do update
    set as_of = excluded.as_of
    where excluded.as_of >= known.as_of
    returning known.chat_id, known.as_of
  )
  select array_agg(row(given.chat_id, contact.id, member.role, given.as_of)::wa_private.member_facts)
  into facts
  from given
  inner join newest on newest.chat_id = given.chat_id and newest.as_of = given.as_of
  cross join lateral jsonb_to_recordset(given.members) as member (jid text, role text)
  left join wa_private.contact_aliases as alias
    on alias.session_id = p_session_id and alias.phone_jid = member.jid
  inner join public.wa_contacts as contact
    on contact.session_id = p_session_id and contact.jid = coalesce(alias.lid_jid, member.jid);

  with told as (
    select fact.chat_id, max(fact.as_of) as as_of
    from unnest(facts) as fact
    group by fact.chat_id
  ),
  forgotten as (
    delete from wa_private.member_facts as fact
    using told
    where fact.chat_id = told.chat_id
      and fact.as_of < told.as_of
      and not exists (
        select from unnest(facts) as listed
        where listed.chat_id = fact.chat_id and listed.contact_id = fact.contact_id
      )
    returning fact.chat_id, fact.contact_id
  ),
  hidden as (
    delete from public.wa_group_members as member
    using forgotten
    where member.chat_id = forgotten.chat_id and member.contact_id = forgotten.contact_id
    returning member.contact_id
  ),
  refreshed as (
    update public.wa_chats as chat
    set refreshed_at = answer.as_of
    from (
      -- When it was asked, by Postgres' own clock, if it was.
      select told.chat_id, coalesce(look_up.asked_at, told.as_of) as as_of
      from told
      inner join public.wa_chats as asked on asked.id = told.chat_id
      left join wa_private.look_ups as look_up
        on look_up.session_id = p_session_id and look_up.jid = asked.jid and look_up.aspect = 'group'
    ) as answer
    where chat.id = answer.chat_id
      and answer.as_of > coalesce(chat.refreshed_at, '-infinity')
  )
  select count(*) into gone from hidden;
  perform wa_private.end_look_up(p_session_id, array[answered.jid], 'group', answered.refreshed_at)
  from (
    select chat.jid, chat.refreshed_at
    from public.wa_chats as chat
    where chat.id in (select fact.chat_id from unnest(facts) as fact)
    order by chat.jid
  ) as answered;
  return gone + wa_private.keep_members(facts);
end;
$$;
comment on function wa_private.store_rosters(uuid, uuid, jsonb) is
'Stores rosters as wa_store_batch describes them; their chats and contacts must exist. Returns how many rows changed.';

create function wa_private.merge_members(p_old_contact_id uuid, p_kept_contact_id uuid)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  facts wa_private.member_facts[];
begin
  with taken as (
    delete from wa_private.member_facts as fact
    where fact.contact_id = p_old_contact_id
    returning fact.chat_id, fact.role, fact.as_of
  )
  select array_agg(row(taken.chat_id, p_kept_contact_id, taken.role, taken.as_of)::wa_private.member_facts)
  into facts
  from taken;
  delete from public.wa_group_members as member where member.contact_id = p_old_contact_id;
  perform wa_private.keep_members(facts);
end;
$$;
comment on function wa_private.merge_members(uuid, uuid) is
'Lets what is known of one person''s groups follow into another contact of theirs.';

revoke execute on function wa_private.keep_members(wa_private.member_facts[]) from public, anon, authenticated;
revoke execute on function wa_private.store_members(uuid, uuid, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.store_rosters(uuid, uuid, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.merge_members(uuid, uuid) from public, anon, authenticated;
grant execute on function wa_private.keep_members(wa_private.member_facts[]) to service_role;
grant execute on function wa_private.store_members(uuid, uuid, jsonb) to service_role;
grant execute on function wa_private.store_rosters(uuid, uuid, jsonb) to service_role;
grant execute on function wa_private.merge_members(uuid, uuid) to service_role;
