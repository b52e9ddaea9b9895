-- Purpose: replies are linked to what they quote, whichever of the two came first.
-- Affects: wa_private.link_replies (new).

create function wa_private.link_replies(p_session_id uuid, p_chat_ids uuid[], p_whatsapp_ids text[])
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  with touched as (
    select given.chat_id, given.whatsapp_id
    from unnest(p_chat_ids, p_whatsapp_ids) as given (chat_id, whatsapp_id)
  ),
  unlinked as (
    select reply.id, touched.chat_id, reply.quoted_whatsapp_id
    from touched
    cross join lateral (
      select waiting.id, waiting.quoted_whatsapp_id
      from (
        select named.*
        from public.wa_messages as named
        where named.session_id = p_session_id
          and named.quoted_whatsapp_id = touched.whatsapp_id
          and named.quoted_message_id is null
        offset 0
      ) as waiting
      where waiting.chat_id = touched.chat_id
    ) as reply
    union
    select reply.id, touched.chat_id, reply.quoted_whatsapp_id
    from touched
    cross join lateral (
      select named.id, named.quoted_whatsapp_id, named.quoted_message_id
      from (
        select each.*
        from public.wa_messages as each
        where each.session_id = p_session_id and each.whatsapp_id = touched.whatsapp_id
        offset 0
      ) as named
      where named.chat_id = touched.chat_id
    ) as reply
    where reply.quoted_whatsapp_id is not null and reply.quoted_message_id is null
  )
  update public.wa_messages as message
  set quoted_message_id = original.id
  from unlinked
  cross join lateral (
    select said.id
    from (
      select named.*
      from public.wa_messages as named
      where named.session_id = p_session_id and named.whatsapp_id = unlinked.quoted_whatsapp_id
      offset 0
    ) as said
    where said.chat_id = unlinked.chat_id
    -- The first that came: whoever gives this id to words of their own afterwards is not who was quoted.
    order by said.seq
    limit 1
  ) as original
  where message.id = unlinked.id;
end;
$$;
comment on function wa_private.link_replies(uuid, uuid[], text[]) is
'Links replies among these messages to what they reply to, and these messages to the replies that came before them.';

revoke execute on function wa_private.link_replies(uuid, uuid[], text[]) from public, anon, authenticated;
grant execute on function wa_private.link_replies(uuid, uuid[], text[]) to service_role;
