-- Purpose: what is known of chats besides what is said in them: their names and settings.
-- Affects: wa_private.chat_facts, is_chat_fact, apply_chat_facts, keep_chat_facts, store_chat_updates,
-- merge_chat_facts (new).

create table wa_private.chat_facts (
  chat_id uuid not null references public.wa_chats (id) on delete cascade,
  name text not null,
  value jsonb not null,
  as_of timestamptz not null,
  from_history boolean not null,
  primary key (chat_id, name)
);
comment on table wa_private.chat_facts is
'The newest that was told of each column of a chat: news that is older and comes later does not undo it.';
comment on column wa_private.chat_facts.from_history is 'Counts only as long as nothing else was told.';

alter table wa_private.chat_facts enable row level security;
revoke all on table wa_private.chat_facts from anon, authenticated;
grant select, insert, update, delete on table wa_private.chat_facts to service_role;

create function wa_private.is_chat_fact(p_name text, p_value jsonb)
returns boolean
language sql
immutable
security invoker
set search_path = ''
as $$
  select case
    when p_name = 'name' then jsonb_typeof(p_value) = 'string'
    when p_name = 'description' then jsonb_typeof(p_value) in ('string', 'null')
    when p_name in ('announcements_only', 'archived', 'pinned', 'left') then jsonb_typeof(p_value) = 'boolean'
    when p_name = 'disappearing_seconds' then jsonb_typeof(p_value) in ('number', 'null')
    when p_name = 'unread_count' then jsonb_typeof(p_value) = 'number'
    when p_name = 'muted_until' then
      p_value = 'null' or p_value #>> '{}' ~ '^(infinity|\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*)$'
    else false
  end;
$$;
comment on function wa_private.is_chat_fact(text, jsonb) is
'Whether a chat has such a column and it may have this value; what is not, says nothing.';

create function wa_private.apply_chat_facts(p_facts wa_private.chat_facts[])
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  changed integer;
begin
  update public.wa_chats as chat
  set (
      name, description, announcements_only, archived, disappearing_seconds, muted_until, pinned_at, left_at
    ) = (
      select
        case when told.news ? 'name' then told.news ->> 'name' else chat.name end,
        case when told.news ? 'description' then nullif(told.news ->> 'description', '') else chat.description end,
        coalesce((told.news ->> 'announcements_only')::boolean, chat.announcements_only),
        coalesce((told.news ->> 'archived')::boolean, chat.archived),
        case
          when told.news ? 'disappearing_seconds'
            -- Not least(): it would take null, no timer, for the largest.
            then case when (told.news ->> 'disappearing_seconds')::numeric between 1 and 2147483647
              then (told.news ->> 'disappearing_seconds')::numeric::integer end
          else chat.disappearing_seconds
        end,
        case
          when told.news ? 'muted_until' then (told.news ->> 'muted_until')::timestamptz
          else chat.muted_until
        end,
        case
          when told.news ? 'pinned' then case when (told.news ->> 'pinned')::boolean then told.pinned_as_of end
          else chat.pinned_at
        end,
        case
          when told.news ? 'left' then case when (told.news ->> 'left')::boolean then told.left_as_of end
          else chat.left_at
        end
    )
  from (
    select
      fact.chat_id,
      jsonb_object_agg(fact.name, fact.value) as news,
      max(fact.as_of) filter (where fact.name = 'pinned') as pinned_as_of,
      max(fact.as_of) filter (where fact.name = 'left') as left_as_of
    from unnest(p_facts) as fact
    group by fact.chat_id
  ) as told
  where chat.id = told.chat_id;
  get diagnostics changed = row_count;
  return changed;
end;
$$;
comment on function wa_private.apply_chat_facts(wa_private.chat_facts[]) is
'Shows what was learned in the chats'' rows.';

create function wa_private.keep_chat_facts(p_facts wa_private.chat_facts[])
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  news wa_private.chat_facts[];
begin
  -- What was unread when the number was linked: the phone may say so more than once, and the most counts. It adds to
  -- what was counted since, until the chat is read.
  with told as (
    select fact.chat_id, max((fact.value #>> '{}')::numeric) as unread
    from unnest(p_facts) as fact
    where fact.name = 'unread_count'
    group by fact.chat_id
  )
  update public.wa_chats as chat
  set unread_count = least(chat.unread_count + risen.unread, 1000000)
  from (
    select told.chat_id, least(told.unread, 100000)::integer - coalesce((known.value #>> '{}')::integer, 0) as unread
    from told
    left join wa_private.chat_facts as known on known.chat_id = told.chat_id and known.name = 'unread_count'
  ) as risen
  where chat.id = risen.chat_id
    and chat.read_up_to is null
    and risen.unread > 0;

  with kept as (
    insert into wa_private.chat_facts as known (chat_id, name, value, as_of, from_history)
    select distinct on (fact.chat_id, fact.name) fact.chat_id, fact.name, fact.value, fact.as_of, fact.from_history
    from (
      select
        given.chat_id, given.name, given.as_of, given.from_history,
        case
          when given.name = 'unread_count' then to_jsonb(least((given.value #>> '{}')::numeric, 100000)::integer)
          else given.value
        end as value
      from unnest(p_facts) as given
    ) as fact
    -- Never by order of arrival: two that were told for the same moment end alike, whichever comes first.
    order by
      fact.chat_id, fact.name,
      case when fact.name = 'unread_count' then fact.value end desc,
      fact.from_history, fact.as_of desc, fact.value desc
    on conflict (chat_id, name) do update
    set value = excluded.value, as_of = excluded.as_of, from_history = excluded.from_history
    where case
      when known.name = 'unread_count' then excluded.value > known.value
      else (not excluded.from_history, excluded.as_of, excluded.value)
        > (not known.from_history, known.as_of, known.value)
    end
    returning known.*
  )
  select array_agg(kept::wa_private.chat_facts) into news from kept;
  return wa_private.apply_chat_facts(news);
end;
$$;
comment on function wa_private.keep_chat_facts(wa_private.chat_facts[]) is
'Keeps the newest of each column of each chat and shows it; what history says gives way to everything else.';

create function wa_private.store_chat_updates(p_session_id uuid, p_workspace_id uuid, p_items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  facts wa_private.chat_facts[];
begin
  select array_agg(row(
    chat.id, told.name, told.value, given.as_of, coalesce(given.from_history, false)
  )::wa_private.chat_facts)
  into facts
  from jsonb_to_recordset(p_items) as given (jid text, as_of timestamptz, from_history boolean, columns jsonb)
  cross join lateral jsonb_each(given.columns) as told (name, value)
  left join wa_private.contact_aliases as alias
    on alias.session_id = p_session_id and alias.phone_jid = given.jid
  inner join public.wa_chats as chat
    on chat.session_id = p_session_id and chat.jid = coalesce(alias.lid_jid, given.jid)
  where given.as_of is not null
    and wa_private.is_chat_fact(told.name, told.value);
  return wa_private.keep_chat_facts(facts);
end;
$$;
comment on function wa_private.store_chat_updates(uuid, uuid, jsonb) is
'Stores chat_updates as wa_store_batch describes them; their chats must exist. Returns how many chats changed.';

create function wa_private.merge_chat_facts(p_from_chat_id uuid, p_into_chat_id uuid)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  facts wa_private.chat_facts[];
begin
  with taken as (
    delete from wa_private.chat_facts as fact
    where fact.chat_id = p_from_chat_id
    returning fact.*
  )
  select
    array_agg(row(p_into_chat_id, taken.name, taken.value, taken.as_of, taken.from_history)::wa_private.chat_facts)
  into facts
  from taken;
  perform wa_private.keep_chat_facts(facts);
end;
$$;
comment on function wa_private.merge_chat_facts(uuid, uuid) is
'Lets what is known of one chat follow into another, whose unread_count has to be counted anew afterwards.';

revoke execute on function wa_private.is_chat_fact(text, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.apply_chat_facts(wa_private.chat_facts[]) from public, anon, authenticated;
revoke execute on function wa_private.keep_chat_facts(wa_private.chat_facts[]) from public, anon, authenticated;
revoke execute on function wa_private.store_chat_updates(uuid, uuid, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.merge_chat_facts(uuid, uuid) from public, anon, authenticated;
grant execute on function wa_private.is_chat_fact(text, jsonb) to service_role;
grant execute on function wa_private.apply_chat_facts(wa_private.chat_facts[]) to service_role;
grant execute on function wa_private.keep_chat_facts(wa_private.chat_facts[]) to service_role;
grant execute on function wa_private.store_chat_updates(uuid, uuid, jsonb) to service_role;
grant execute on function wa_private.merge_chat_facts(uuid, uuid) to service_role;
