-- Purpose: what to ask WhatsApp about next, and what it said of pictures.
-- Affects: wa_private.due_look_ups, wa_next_lookups, wa_record_picture (new).

create function wa_private.due_look_ups(p_session_id uuid)
returns table (
  aspect text, jid text, known_picture_id text, chat_id uuid, contact_id uuid, workspace_id uuid, active_at timestamptz
)
language sql
stable
security invoker
set search_path = ''
as $$
  select 'group', chat.jid, null, chat.id, null::uuid, chat.workspace_id, chat.last_message_at
  from public.wa_chats as chat
  left join wa_private.look_ups as known
    on known.session_id = p_session_id and known.jid = chat.jid and known.aspect = 'group'
  where chat.session_id = p_session_id
    and chat.kind = 'group'
    and chat.left_at is null
    and (
      chat.refreshed_at is null
      or chat.refreshed_at < known.stale_at
      or (chat.refreshed_at < now() - interval '24 hours' and chat.last_message_at > now() - interval '7 days')
    )
  union all
  select 'picture', chat.jid, chat.avatar_id, chat.id, null, chat.workspace_id, chat.last_message_at
  from public.wa_chats as chat
  left join wa_private.look_ups as known
    on known.session_id = p_session_id and known.jid = chat.jid and known.aspect = 'picture'
  where chat.session_id = p_session_id
    and chat.kind = 'group'
    and chat.left_at is null
    and chat.last_message_at is not null
    and coalesce(chat.avatar_checked_at, '-infinity') < greatest(known.stale_at, now() - interval '7 days')
  union all
  select 'picture', contact.jid, contact.avatar_id, null, contact.id, contact.workspace_id, active.at
  from public.wa_contacts as contact
  left join wa_private.look_ups as known
    on known.session_id = p_session_id and known.jid = contact.jid and known.aspect = 'picture'
  -- Lateral: by index for each, however stale the planner's statistics.
  cross join lateral (
    select greatest(
      (
        select max(chat.last_message_at)
        from public.wa_chats as chat
        where chat.contact_id = contact.id and chat.kind = 'direct'
      ),
      (select max(message.sent_at) from public.wa_messages as message where message.sender_contact_id = contact.id)
    ) as at
  ) as active
  where contact.session_id = p_session_id
    and coalesce(contact.avatar_checked_at, '-infinity') < greatest(known.stale_at, now() - interval '7 days')
    and (contact.jid like '%@lid' or contact.jid like '%@s.whatsapp.net')
    and active.at is not null;
$$;
comment on function wa_private.due_look_ups(uuid) is
'What is not known, or no longer for sure: groups, and pictures of groups and of people who said something or were '
'told something.';

create function public.wa_next_lookups(p_session_id uuid, p_term bigint, p_limit integer)
returns table (
  aspect text, jid text, known_picture_id text, chat_id uuid, contact_id uuid, workspace_id uuid
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
  aspects text[];
  jids text[];
  pictures text[];
  chats uuid[];
  contacts uuid[];
  workspaces uuid[];
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  -- Found before it is one's turn: in a long address book it takes a while, and what comes in must not wait for it.
  select
    array_agg(next.aspect), array_agg(next.jid), array_agg(next.known_picture_id), array_agg(next.chat_id),
    array_agg(next.contact_id), array_agg(next.workspace_id)
  into aspects, jids, pictures, chats, contacts, workspaces
  from (
    select due.*
    from wa_private.due_look_ups(p_session_id) as due
    left join wa_private.look_ups as asked
      on asked.session_id = p_session_id and asked.jid = due.jid and asked.aspect = due.aspect
    -- What WhatsApp does not answer is asked after 10 minutes, 20, 40, … a day.
    where asked.asked_at is null
      or asked.asked_at < now() - least(interval '10 minutes' * (1 << least(asked.tries, 10)) / 2, interval '1 day')
    order by due.active_at desc nulls last, due.aspect, due.jid
    limit p_limit
  ) as next;
  if aspects is null then
    return;
  end if;

  perform wa_private.take_turns(p_session_id);
  insert into wa_private.look_ups as look_up (session_id, jid, aspect, asked_at, tries)
  select p_session_id, next.jid, next.aspect, now(), 1
  from unnest(jids, aspects) as next (jid, aspect)
  on conflict (session_id, jid, aspect) do update
  set asked_at = excluded.asked_at, tries = look_up.tries + 1;
  return query
  select next.aspect, next.jid, next.picture, next.chat, next.contact, next.workspace
  from unnest(aspects, jids, pictures, chats, contacts, workspaces) with ordinality
    as next (aspect, jid, picture, chat, contact, workspace, place)
  order by next.place;
end;
$$;
comment on function public.wa_next_lookups(uuid, bigint, integer) is
'What to ask WhatsApp about next, most recently active first: each is not returned again for a while. A roster '
'answers for a group, wa_record_picture for a picture. Raises ZB001 when the term is stale.';

create function public.wa_record_picture(
  p_session_id uuid, p_term bigint, p_jid text, p_picture_id text, p_path text
)
returns text
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  canonical text;
  checked_at timestamptz;
  old record;
  new_path text;
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  -- Merges make one person of two.
  perform wa_private.take_turns(p_session_id);
  canonical := coalesce(
    (
      select alias.lid_jid from wa_private.contact_aliases as alias
      where alias.session_id = p_session_id and alias.phone_jid = p_jid
    ),
    p_jid
  );
  checked_at := coalesce(
    (
      select max(look_up.asked_at) from wa_private.look_ups as look_up
      where look_up.session_id = p_session_id and look_up.jid in (p_jid, canonical) and look_up.aspect = 'picture'
    ),
    now()
  );

  select known.* into old
  from (
    select chat.id, chat.avatar_id, chat.avatar_path
    from public.wa_chats as chat
    where chat.session_id = p_session_id and chat.jid = canonical and chat.kind = 'group'
    union all
    select contact.id, contact.avatar_id, contact.avatar_path
    from public.wa_contacts as contact
    where contact.session_id = p_session_id and contact.jid = canonical
  ) as known;
  if not found then
    return p_path;
  end if;
  new_path := case
    when p_picture_id is null then old.avatar_path
    when p_picture_id = '' then null
    when p_picture_id = old.avatar_id then coalesce(p_path, old.avatar_path)
    else p_path
  end;
  update public.wa_chats as chat
  set
    avatar_id = coalesce(p_picture_id, chat.avatar_id),
    avatar_path = new_path,
    avatar_checked_at = checked_at
  where chat.id = old.id;
  update public.wa_contacts as contact
  set
    avatar_id = coalesce(p_picture_id, contact.avatar_id),
    avatar_path = new_path,
    avatar_checked_at = checked_at
  where contact.id = old.id;
  perform wa_private.end_look_up(p_session_id, array[p_jid, canonical], 'picture', checked_at);
  return nullif(old.avatar_path, coalesce(new_path, ''));
end;
$$;
comment on function public.wa_record_picture(uuid, bigint, text, text, text) is
'What WhatsApp answered about a picture: its id and where it is stored; empty: there is none; null: it did not say. '
'Returns the path of a file that nobody needs any more. Raises ZB001 when the term is stale.';

revoke execute on function wa_private.due_look_ups(uuid) from public, anon, authenticated;
revoke execute on function public.wa_next_lookups(uuid, bigint, integer) from public, anon, authenticated;
revoke execute on function public.wa_record_picture(uuid, bigint, text, text, text) from public, anon, authenticated;
grant execute on function wa_private.due_look_ups(uuid) to service_role;
grant execute on function public.wa_next_lookups(uuid, bigint, integer) to service_role;
grant execute on function public.wa_record_picture(uuid, bigint, text, text, text) to service_role;
