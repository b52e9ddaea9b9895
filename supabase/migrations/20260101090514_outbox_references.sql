-- Purpose: what the payload of an outbox row speaks of: the message it answers, changes, forwards or reads
-- (docs/outbox.md). The connector gets it with the row, as it is at that moment.
-- Affects: wa_private.known_message, known_file, message_facts, seen_until, unread_until, outbox_references (new).
-- (Attachments are a later file: a function's body is read when it runs.)

create function wa_private.known_message(p_session_id uuid, p_id text)
returns public.wa_messages
language sql
stable
security invoker
set search_path = ''
as $$
  select message.*
  from public.wa_messages as message
  where message.session_id = p_session_id
    -- Whoever inserts the row writes the id: it may be anything.
    and message.id = case when p_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then p_id::uuid end;
$$;
comment on function wa_private.known_message(uuid, text) is
'The message of this session with this id; a row of nulls if there is none.';

create function wa_private.known_file(p_message public.wa_messages)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'upload', case
        -- WhatsApp keeps files for some weeks; what it has dropped it would only name, and nobody could open.
        when file.state not in ('failed', 'expired')
          and p_message.sent_at > now() - interval '14 days'
          and num_nulls(key.direct_path, key.media_key, key.file_sha256, key.file_enc_sha256, file.size_bytes) = 0
          then jsonb_build_object(
            -- Not kept: whoever gets the message finds the file by its path.
            'url', null,
            'direct_path', key.direct_path,
            'media_key', translate(encode(key.media_key, 'base64'), E'\n', ''),
            'file_sha256', translate(encode(key.file_sha256, 'base64'), E'\n', ''),
            'file_enc_sha256', translate(encode(key.file_enc_sha256, 'base64'), E'\n', ''),
            'size_bytes', file.size_bytes,
            'mime_type', file.mime_type,
            'file_name', file.file_name,
            'width', file.width,
            'height', file.height,
            'duration_seconds', file.duration_seconds,
            'waveform', to_jsonb(file.waveform),
            'thumbnail', substring(file.thumbnail from '^data:image/jpeg;base64,(.*)$')
          )
      end,
      'stored', case
        when file.state = 'stored' then jsonb_build_object('bucket', file.bucket, 'path', file.storage_path)
      end
    )
    from public.wa_attachments as file
    left join wa_private.attachment_keys as key on key.attachment_id = file.id
    where file.message_id = p_message.id
  );
end;
$$;
comment on function wa_private.known_file(public.wa_messages) is
'Where the file of a message is: {upload: at WhatsApp, with the keys to it; stored: in Storage}, each or null.';

create function wa_private.message_facts(p_message public.wa_messages)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_message.id,
    'whatsapp_id', p_message.whatsapp_id,
    'from_me', p_message.from_me,
    'author_jid', case
      when p_message.from_me then coalesce(p_message.sender_jid, session.lid, session.jid)
      -- History does not always say who wrote in a direct chat.
      else coalesce(p_message.sender_jid, case when chat.kind = 'direct' then chat.jid end)
    end,
    'chat_jid', chat.jid,
    'kind', p_message.kind,
    'body', p_message.body,
    'content', p_message.content,
    'sent_at', p_message.sent_at,
    'revoked', p_message.revoked_at is not null
  )
  from public.wa_chats as chat
  inner join public.wa_sessions as session on session.id = chat.session_id
  where chat.id = p_message.chat_id;
$$;
comment on function wa_private.message_facts(public.wa_messages) is
'What has to be known of a message to speak of it to WhatsApp.';

create function wa_private.seen_until(p_entry public.wa_outbox)
returns public.wa_messages
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  last_seen public.wa_messages;
begin
  if p_entry.payload ? 'message_id' then
    return wa_private.known_message(p_entry.session_id, p_entry.payload ->> 'message_id');
  end if;
  select message.* into last_seen
  from public.wa_messages as message
  where message.chat_id = p_entry.chat_id
    and not message.from_me
    -- What came after the app said so, nobody has seen, however long the row had to wait.
    and message.created_at <= p_entry.created_at
  order by message.sent_at desc, message.seq desc
  limit 1;
  return last_seen;
end;
$$;
comment on function wa_private.seen_until(public.wa_outbox) is
'The newest message that a row of kind read is about; a row of nulls if there is none.';

create function wa_private.unread_until(p_entry public.wa_outbox)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'whatsapp_id', message.whatsapp_id,
        'author_jid', coalesce(message.sender_jid, case when chat.kind = 'direct' then chat.jid end)
      )
      order by message.sent_at, message.seq
    ),
    '[]'
  )
  from wa_private.seen_until(p_entry) as last_seen
  inner join public.wa_chats as chat on chat.id = last_seen.chat_id and chat.id = p_entry.chat_id
  cross join lateral (
    select said.whatsapp_id, said.sender_jid, said.sent_at, said.seq
    from public.wa_messages as said
    where said.chat_id = chat.id
      and (said.sent_at, said.seq) <= (last_seen.sent_at, last_seen.seq)
      -- Not read_up_to: an app may have cleared its own count first, and nobody heard of that.
      and said.sent_at > coalesce(chat.ticked_up_to, '-infinity')
      and said.source = 'live'
      and not said.from_me
      and said.kind not in ('system', 'call')
    order by said.sent_at desc, said.seq desc
    limit 256
  ) as message;
$$;
comment on function wa_private.unread_until(public.wa_outbox) is
'What others wrote and were not told yet that it was read: [{whatsapp_id, author_jid}], the newest 256, oldest first.';

create function wa_private.outbox_references(p_entry public.wa_outbox)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  named public.wa_messages;
  answered public.wa_messages;
begin
  -- Most rows speak of no other message.
  if p_entry.kind <> 'read' and not p_entry.payload ?| '{message_id,reply_to}' then
    return '{}';
  end if;
  named := wa_private.known_message(p_entry.session_id, p_entry.payload ->> 'message_id');
  answered := wa_private.known_message(p_entry.session_id, p_entry.payload ->> 'reply_to');
  return case
      when named.id is null then '{}'
      when p_entry.kind = 'forward' then jsonb_build_object(
        'message',
        wa_private.message_facts(named)
        || coalesce(wa_private.known_file(named), jsonb_build_object('upload', null, 'stored', null))
      )
      else jsonb_build_object('message', wa_private.message_facts(named))
    end
    || case
      when answered.id is null then '{}'
      else jsonb_build_object('reply_to', wa_private.message_facts(answered))
    end
    || case
      when p_entry.kind = 'read' then jsonb_build_object('unread', wa_private.unread_until(p_entry))
      else '{}'
    end;
end;
$$;
comment on function wa_private.outbox_references(public.wa_outbox) is
'{message?, reply_to?, unread?}: what payload.message_id and payload.reply_to name, as far as it is there; '
'unread: of kind read. message and reply_to: {id, whatsapp_id, from_me, author_jid, chat_jid, kind, body, content, '
'sent_at, revoked}, for kind forward with upload and stored.';

revoke execute on function wa_private.known_message(uuid, text) from public, anon, authenticated;
revoke execute on function wa_private.known_file(public.wa_messages) from public, anon, authenticated;
revoke execute on function wa_private.message_facts(public.wa_messages) from public, anon, authenticated;
revoke execute on function wa_private.seen_until(public.wa_outbox) from public, anon, authenticated;
revoke execute on function wa_private.unread_until(public.wa_outbox) from public, anon, authenticated;
revoke execute on function wa_private.outbox_references(public.wa_outbox) from public, anon, authenticated;
grant execute on function wa_private.known_message(uuid, text) to service_role;
grant execute on function wa_private.known_file(public.wa_messages) to service_role;
grant execute on function wa_private.message_facts(public.wa_messages) to service_role;
grant execute on function wa_private.seen_until(public.wa_outbox) to service_role;
grant execute on function wa_private.unread_until(public.wa_outbox) to service_role;
grant execute on function wa_private.outbox_references(public.wa_outbox) to service_role;
