-- Purpose: who is typing or online at this moment: told to whoever looks, and kept nowhere.
-- Affects: wa_show_presence (new).

create function public.wa_show_presence(p_session_id uuid, p_term bigint, p_shown jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  audience text;
  shown integer;
begin
  select 'wa:workspace:' || lease.workspace_id into audience
  from wa_private.hold_lease(p_session_id, p_term, null) as lease;

  select count(*) into shown
  from (
    select
      realtime.send(
        jsonb_build_object(
          'session_id', p_session_id, 'chat_id', newest.chat_id, 'contact_id', newest.contact_id,
          'state', newest.state, 'last_seen', newest.last_seen
        ),
        'chat_presence',
        audience,
        true
      )
    from (
      -- Of each person in a chat only what they do last.
      select distinct on (chat.id, contact.id)
        chat.id as chat_id, contact.id as contact_id, given.item ->> 'state' as state,
        given.item -> 'last_seen' as last_seen
      from jsonb_array_elements(p_shown) with ordinality as given (item, place)
      left join wa_private.contact_aliases as person_alias
        on person_alias.session_id = p_session_id and person_alias.phone_jid = given.item ->> 'jid'
      left join wa_private.contact_aliases as chat_alias
        on chat_alias.session_id = p_session_id and chat_alias.phone_jid = given.item ->> 'chat_jid'
      inner join public.wa_contacts as contact
        on contact.session_id = p_session_id and contact.jid = coalesce(person_alias.lid_jid, given.item ->> 'jid')
      inner join public.wa_chats as chat
        on chat.session_id = p_session_id and chat.jid = coalesce(chat_alias.lid_jid, given.item ->> 'chat_jid')
      where given.item ->> 'state' in ('composing', 'recording', 'paused', 'online', 'offline')
      order by chat.id, contact.id, given.place desc
    ) as newest
  ) as told;
  return shown;
end;
$$;
comment on function public.wa_show_presence(uuid, bigint, jsonb) is
'Tells the workspace''s topic [{chat_jid, jid, state, last_seen}] as events chat_presence {session_id, chat_id, '
'contact_id, state, last_seen}; who or what is not known is left out. Returns how many. Raises ZB001 when the term is '
'stale.';

revoke execute on function public.wa_show_presence(uuid, bigint, jsonb) from public, anon, authenticated;
grant execute on function public.wa_show_presence(uuid, bigint, jsonb) to service_role;
