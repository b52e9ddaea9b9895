-- Purpose: what it does in the chats that a row of the outbox was sent, or was not: reactions, edits, deletions,
-- readings, files (docs/outbox.md).
-- Affects: wa_private.show_as_not_sent, effect_time, show_change, show_outbox_effect, fetch_back (new).

create function wa_private.show_as_not_sent(p_message_ids uuid[], p_error_code text)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update public.wa_messages as message
  set status = 'failed', error_code = p_error_code
  where message.id = any(p_message_ids)
    and message.status = 'pending';
  update public.wa_attachments as file
  set state = 'failed', error_code = 'not_sent'
  where file.message_id = any(p_message_ids)
    and file.state = 'pending';
end;
$$;
comment on function wa_private.show_as_not_sent(uuid[], text) is
'Shows messages, and files of theirs that nobody will fetch, as not sent.';

create function wa_private.effect_time(p_entry public.wa_outbox)
returns timestamptz
language sql
immutable
security invoker
set search_path = ''
as $$
  -- WhatsApp counts whole seconds: of two within one, the one inserted later came later.
  select date_trunc('second', p_entry.sent_at) + make_interval(secs => (p_entry.seq % 1000000) / 1000000.0);
$$;
comment on function wa_private.effect_time(public.wa_outbox) is
'When a reaction, edit or deletion of ours counts as done.';

create function wa_private.show_change(p_entry public.wa_outbox, p_target public.wa_messages, p_own_jid text)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform wa_private.keep_changes(array[row(
    p_target.chat_id, p_target.whatsapp_id,
    case p_entry.kind when 'edit' then 'edit' else 'revoke' end,
    -- Without an id when a person has said that it was sent.
    case p_entry.kind when 'edit' then coalesce(p_entry.whatsapp_id, p_entry.id::text) else '' end,
    p_target.from_me,
    case p_entry.kind when 'edit' then '' else p_own_jid end,
    p_entry.kind = 'delete' and not p_target.from_me,
    p_entry.session_id,
    case p_entry.kind when 'edit' then p_entry.payload ->> 'text' end,
    '{}'::jsonb,
    case
      when p_entry.kind = 'edit' and jsonb_typeof(p_entry.payload -> 'mentions') = 'array' then array(
        select wa_private.recipient_jid(mentioned.name)
        from jsonb_array_elements_text(p_entry.payload -> 'mentions') with ordinality as mentioned (name, place)
        where wa_private.recipient_jid(mentioned.name) is not null
        order by mentioned.place
      )
      else '{}'::text[]
    end,
    wa_private.effect_time(p_entry)
  )::wa_private.message_changes]);
  perform wa_private.apply_changes(p_entry.session_id, array[p_target.chat_id], array[p_target.whatsapp_id]);
  perform wa_private.show_newest(array[p_target.chat_id], null);
end;
$$;
comment on function wa_private.show_change(public.wa_outbox, public.wa_messages, text) is
'Does to a message what a sent row of kind edit or delete says, as if another device of ours had done it.';

create function wa_private.show_outbox_effect(p_entry public.wa_outbox)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  target constant public.wa_messages := case
    when p_entry.kind = 'read' then wa_private.seen_until(p_entry)
    else wa_private.known_message(p_entry.session_id, p_entry.payload ->> 'message_id')
  end;
  own_jid constant text := (
    select coalesce(session.lid, session.jid, target.sender_jid, '')
    from public.wa_sessions as session
    where session.id = p_entry.session_id
  );
begin
  if target.whatsapp_id is null then
    return;
  end if;
  if p_entry.kind = 'read' then
    perform wa_private.store_own_reads(
      jsonb_build_array(jsonb_build_object('chat_jid', 'this', 'at', target.sent_at)),
      jsonb_build_object('this', jsonb_build_object('chat', target.chat_id))
    );
  elsif p_entry.kind = 'reaction' then
    perform wa_private.keep_reactions(array[row(
      target.chat_id, target.whatsapp_id, own_jid, target.session_id, target.workspace_id, null, true,
      coalesce(p_entry.payload ->> 'emoji', ''), wa_private.effect_time(p_entry), now(), now()
    )::public.wa_reactions]);
  else
    perform wa_private.show_change(p_entry, target, own_jid);
  end if;
end;
$$;
comment on function wa_private.show_outbox_effect(public.wa_outbox) is
'Shows what a sent reaction, edit, deletion or reading has done; twice is once.';

create function wa_private.fetch_back(p_entry public.wa_outbox)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  with file as (
    update public.wa_attachments as shown
    set state = 'pending', error_code = null
    where shown.message_id = p_entry.message_id
      and (shown.state = 'pending' or (shown.state = 'failed' and shown.error_code = 'not_sent'))
    returning shown.id, shown.message_id
  )
  insert into wa_private.attachment_keys (
    attachment_id, session_id, media_type, direct_path, media_key, file_sha256, file_enc_sha256, sent_at
  )
  select
    file.id, p_entry.session_id,
    case
      when message.kind in ('gif', 'video_note') then 'video'
      when message.kind = 'voice' then 'audio'
      when message.kind = 'sticker' then 'image'
      else message.kind
    end,
    coalesce(kept.upload ->> 'direct_path', original.direct_path),
    coalesce(decode(kept.upload ->> 'media_key', 'base64'), original.media_key),
    coalesce(decode(kept.upload ->> 'file_sha256', 'base64'), original.file_sha256),
    coalesce(decode(kept.upload ->> 'file_enc_sha256', 'base64'), original.file_enc_sha256),
    message.sent_at
  from file
  inner join public.wa_messages as message on message.id = file.message_id
  left join wa_private.row_uploads as kept on kept.outbox_id = p_entry.id
  -- What was forwarded as it is, was not uploaded again.
  left join (
    select key.*
    from wa_private.known_message(p_entry.session_id, p_entry.payload ->> 'message_id') as named
    inner join public.wa_attachments as theirs on theirs.message_id = named.id
    inner join wa_private.attachment_keys as key on key.attachment_id = theirs.id
  ) as original on kept.outbox_id is null
  on conflict (attachment_id) do nothing;
end;
$$;
comment on function wa_private.fetch_back(public.wa_outbox) is
'Lets the file of a sent message be fetched from WhatsApp like those of others, unless it is in Storage already.';

revoke execute on function wa_private.show_as_not_sent(uuid[], text) from public, anon, authenticated;
revoke execute on function wa_private.effect_time(public.wa_outbox) from public, anon, authenticated;
revoke execute on function wa_private.show_change(public.wa_outbox, public.wa_messages, text)
from public, anon, authenticated;
revoke execute on function wa_private.show_outbox_effect(public.wa_outbox) from public, anon, authenticated;
revoke execute on function wa_private.fetch_back(public.wa_outbox) from public, anon, authenticated;
-- Reads whom an edit mentions.
grant execute on function wa_private.recipient_jid(text) to service_role;
grant execute on function wa_private.show_as_not_sent(uuid[], text) to service_role;
grant execute on function wa_private.effect_time(public.wa_outbox) to service_role;
grant execute on function wa_private.show_change(public.wa_outbox, public.wa_messages, text) to service_role;
grant execute on function wa_private.show_outbox_effect(public.wa_outbox) to service_role;
grant execute on function wa_private.fetch_back(public.wa_outbox) to service_role;
