-- Purpose: what edits and deletions make of the messages they name, whichever came first.
-- Affects: wa_private.apply_edits, apply_revokes, apply_changes (new).

create function wa_private.apply_edits(p_message_ids uuid[])
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  with original as (
    select
      message.id, message.workspace_id, message.session_id, message.chat_id, message.whatsapp_id, message.from_me,
      message.sender_jid,
      case when message.edited_at is null then message.body else first.body end as body,
      case when message.edited_at is null then message.content else first.content end as content
    from unnest(p_message_ids) as named (id)
    -- Laterals that are kept apart (offset 0), so that each row is looked up by index however stale the
    -- planner's statistics.
    cross join lateral (
      select known.*
      from public.wa_messages as known
      where known.id = named.id
      offset 0
    ) as message
    left join lateral (
      select known.body, known.content
      from public.wa_message_edits as known
      where known.message_id = named.id and known.version = 0
      offset 0
    ) as first on true
    -- What cannot be read yet has no words that could be changed.
    where message.kind <> 'undecryptable'
  ),
  edit as (
    -- Only who said it may change it.
    select
      original.id, change.body, change.changed_at, change.session_id, change.mentions,
      -- Whom it quotes, or that it was forwarded, is not for an edit to say.
      (original.content - array['link_preview', 'truncated']) || change.content as content,
      row_number() over sequence as version,
      lead(change.changed_at) over sequence as replaced_at
    from original
    cross join lateral (
      select known.*
      from wa_private.message_changes as known
      where known.chat_id = original.chat_id
        and known.whatsapp_id = original.whatsapp_id
        and known.change = 'edit'
      offset 0
    ) as change
    where change.from_me = original.from_me
      and (original.from_me or change.done_by_jid = original.sender_jid)
    window sequence as (partition by original.id order by change.changed_at, change.change_id)
  ),
  kept as (
    insert into public.wa_message_edits as known (
      workspace_id, session_id, message_id, version, body, content, edited_at
    )
    select
      original.workspace_id, original.session_id, earlier.id, earlier.version, earlier.body, earlier.content,
      earlier.replaced_at
    from (
      select edit.id, edit.version, edit.body, edit.content, edit.replaced_at
      from edit
      where edit.replaced_at is not null
      union all
      select original.id, 0, original.body, original.content, edit.changed_at
      from original
      inner join edit on edit.id = original.id and edit.version = 1
    ) as earlier
    inner join original on original.id = earlier.id
    -- Those that stay are not touched: an edit of what was edited a thousand times writes one row.
    where not exists (
      select from public.wa_message_edits as same
      where same.message_id = earlier.id
        and same.version = earlier.version
        and (same.body, same.content, same.edited_at)
        is not distinct from (earlier.body, earlier.content, earlier.replaced_at)
    )
    on conflict (message_id, version) do update
    set body = excluded.body, content = excluded.content, edited_at = excluded.edited_at
    where (known.body, known.content, known.edited_at)
      is distinct from (excluded.body, excluded.content, excluded.edited_at)
  )
  update public.wa_messages as message
  set body = last.body, content = last.content, mentions = last.mentions, edited_at = last.changed_at
  from (
    select
      edit.id, edit.body, edit.content, edit.changed_at,
      wa_private.canonical_addresses(edit.session_id, edit.mentions) as mentions
    from edit
    where edit.replaced_at is null
    offset 0
  ) as last
  where message.id = last.id
    and (message.body, message.content, message.mentions, message.edited_at)
    is distinct from (last.body, last.content, last.mentions, last.changed_at);
$$;
comment on function wa_private.apply_edits(uuid[]) is
'Lets messages say what their authors last made them say, and keeps what they said before.';

create function wa_private.apply_revokes(p_message_ids uuid[])
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update public.wa_messages as message
  set revoked_at = revoke.changed_at, revoked_by_jid = revoke.done_by_jid
  from (
    select said.id, first.changed_at, first.done_by_jid
    from unnest(p_message_ids) as named (id)
    cross join lateral (
      select
        known.id, known.chat_id, known.whatsapp_id, known.from_me, known.sender_jid, chat.kind as chat_kind,
        array[session.lid, session.jid] as own_jids
      from public.wa_messages as known
      inner join public.wa_chats as chat on chat.id = known.chat_id
      inner join public.wa_sessions as session on session.id = known.session_id
      where known.id = named.id
      offset 0
    ) as said
    cross join lateral (
      select change.changed_at, change.done_by_jid
      from wa_private.message_changes as change
      where change.chat_id = said.chat_id
        and change.whatsapp_id = said.whatsapp_id
        and change.change = 'revoke'
        and change.from_me = said.from_me
        and (
          change.done_by_jid = said.sender_jid
          or (said.from_me and change.done_by_jid = any(said.own_jids))
          or (change.by_admin and said.chat_kind = 'group')
        )
      order by change.changed_at, change.done_by_jid
      limit 1
    ) as first
  ) as revoke
  where message.id = revoke.id
    and (message.revoked_at, message.revoked_by_jid) is distinct from (revoke.changed_at, revoke.done_by_jid);
$$;
comment on function wa_private.apply_revokes(uuid[]) is
'Marks messages as deleted whose author, or an admin of their group, deleted them; the first deletion counts.';

create function wa_private.apply_changes(p_session_id uuid, p_chat_ids uuid[], p_whatsapp_ids text[])
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  changed uuid[];
begin
  -- Laterals, so that each row is looked up by index however stale the planner's statistics.
  select array_agg(distinct message.id) into changed
  from unnest(p_chat_ids, p_whatsapp_ids) as touched (chat_id, whatsapp_id)
  cross join lateral (
    select 1
    from wa_private.message_changes as known
    where known.chat_id = touched.chat_id and known.whatsapp_id = touched.whatsapp_id
    limit 1
  ) as change
  cross join lateral (
    select named.id
    from (
      select each.*
      from public.wa_messages as each
      where each.session_id = p_session_id and each.whatsapp_id = touched.whatsapp_id
      offset 0
    ) as named
    where named.chat_id = touched.chat_id
  ) as message;
  if changed is not null then
    perform wa_private.apply_edits(changed);
    perform wa_private.apply_revokes(changed);
  end if;
end;
$$;
comment on function wa_private.apply_changes(uuid, uuid[], text[]) is
'Applies what is known to have been done to these messages, as far as they are there.';

revoke execute on function wa_private.apply_edits(uuid[]) from public, anon, authenticated;
revoke execute on function wa_private.apply_revokes(uuid[]) from public, anon, authenticated;
revoke execute on function wa_private.apply_changes(uuid, uuid[], text[]) from public, anon, authenticated;
grant execute on function wa_private.apply_edits(uuid[]) to service_role;
grant execute on function wa_private.apply_revokes(uuid[]) to service_role;
grant execute on function wa_private.apply_changes(uuid, uuid[], text[]) to service_role;
