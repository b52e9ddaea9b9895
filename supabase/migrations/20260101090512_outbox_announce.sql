-- Purpose: what inserts into wa_outbox bring about at once: their chats show the messages as pending, with their files,
-- and the connector's doorbell rings.
-- Affects: wa_private.attach_outbox_files, most_queued, refuse_full_queue, announce_outbox_rows, a trigger on
-- public.wa_outbox (new).
-- (Attachments are a later file: a function's body is read when it runs.)

create function wa_private.attach_outbox_files(p_outbox_ids uuid[])
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  -- What is in Storage can be shown as it is; the rest is fetched back from WhatsApp once it is sent.
  insert into public.wa_attachments (
    workspace_id, session_id, message_id, state, bucket, storage_path, mime_type, size_bytes, file_name
  )
  select
    entry.workspace_id, entry.session_id, entry.message_id,
    case when entry.payload ->> 'storage_path' is null then 'pending' else 'stored' end,
    coalesce(entry.payload ->> 'bucket', 'wa-media'), entry.payload ->> 'storage_path',
    coalesce(entry.payload ->> 'mime_type', stored.metadata ->> 'mimetype'),
    case when stored.metadata ->> 'size' ~ '^[0-9]{1,15}$' then (stored.metadata ->> 'size')::bigint end,
    coalesce(
      entry.payload ->> 'file_name',
      case when entry.kind = 'document' then storage.filename(entry.payload ->> 'storage_path') end
    )
  from unnest(p_outbox_ids) as named (id)
  inner join public.wa_outbox as entry on entry.id = named.id
  left join lateral (
    select file.metadata
    from storage.objects as file
    where file.bucket_id = coalesce(entry.payload ->> 'bucket', 'wa-media')
      and file.name = entry.payload ->> 'storage_path'
    limit 1
  ) as stored on true
  where entry.kind <> 'forward' and entry.payload -> 'view_once' is distinct from 'true';

  insert into public.wa_attachments (
    workspace_id, session_id, message_id, state, bucket, storage_path, mime_type, size_bytes, sha256, file_name, width,
    height, duration_seconds, waveform, thumbnail
  )
  select
    entry.workspace_id, entry.session_id, entry.message_id,
    case when file.state = 'stored' then 'stored' else 'pending' end, file.bucket,
    case when file.state = 'stored' then file.storage_path end, file.mime_type, file.size_bytes, file.sha256,
    file.file_name, file.width, file.height, file.duration_seconds, file.waveform, file.thumbnail
  from unnest(p_outbox_ids) as named (id)
  inner join public.wa_outbox as entry on entry.id = named.id
  cross join lateral (
    select original.*
    from public.wa_attachments as original
    where original.message_id = (entry.payload ->> 'message_id')::uuid
    limit 1
  ) as file
  where entry.kind = 'forward';
end;
$$;
comment on function wa_private.attach_outbox_files(uuid[]) is
'Gives the messages of these rows their files: stored where the app, or the forwarded message, has them, or pending.';

create function wa_private.most_queued()
returns integer
language sql
immutable
security invoker
set search_path = ''
as $$
  select 100000;
$$;
comment on function wa_private.most_queued() is
'How many rows of a session may be queued: what the limits that sessions begin with let go in a hundred days.';

create function wa_private.refuse_full_queue(p_session_ids uuid[])
returns void
language plpgsql
stable
security invoker
set search_path = ''
set enable_seqscan = off
as $$
begin
  if exists (
    select from unnest(p_session_ids) as sending (id)
    cross join lateral (
      select from public.wa_outbox as entry
      where entry.session_id = sending.id and entry.state = 'queued'
      offset wa_private.most_queued() limit 1
    ) as one_too_many
  ) then
    raise exception 'As many messages of this number as may wait are waiting.' using errcode = 'PT429',
    detail = 'queue_full', hint = 'Insert more when some have been sent; wa_why_waiting says what they wait for.';
  end if;
end;
$$;
comment on function wa_private.refuse_full_queue(uuid[]) is
'Raises PT429, queue_full, if more rows of one of these sessions are queued than may be: a loop in an app must not '
'fill the disk of all.';

-- security definer: members may not write messages, chats or attachments, nor broadcast.
create function wa_private.announce_outbox_rows()
returns trigger
language plpgsql
security definer
set search_path = ''
-- As wa_store_batch does: its plans are made while a new number's tables are still empty, and kept.
set enable_seqscan = off
as $$
begin
  -- To count costs time where many wait. Of single inserts, one in 61 does it: a prime number, so that whoever inserts
  -- for several numbers in turn does it for each of them.
  perform wa_private.refuse_full_queue(array_agg(distinct entry.session_id))
  from inserted as entry
  having bool_or(entry.seq % 61 = 0);

  insert into public.wa_messages (
    id, workspace_id, session_id, chat_id, from_me, sender_jid, kind, body, content, quoted_whatsapp_id,
    quoted_message_id, mentions, sent_at, status, source, expires_at
  )
  select
    entry.message_id, entry.workspace_id, entry.session_id, entry.chat_id, true, coalesce(session.lid, session.jid),
    case
      when entry.kind = 'forward' then original.kind
      when entry.payload -> 'view_once' = 'true' then 'view_once'
      else entry.kind
    end,
    -- A function call is a good part of what a plain text costs.
    case entry.kind
      when 'text' then entry.payload ->> 'text'
      when 'forward' then original.body
      else wa_private.shown_body(entry.kind, entry.payload)
    end,
    case
      when entry.kind = 'forward' then wa_private.forwarded_content(original)
      when entry.kind = 'text' and not entry.payload ? 'link_preview' then '{}'
      else wa_private.shown_content(entry.kind, entry.payload)
    end || case when answered.id is null then '{}' else wa_private.quoted_content(answered) end,
    answered.whatsapp_id, answered.id,
    case
      when entry.payload ? 'mentions'
        then wa_private.mentioned_people(entry.session_id, entry.payload -> 'mentions')
      else '{}'
    end,
    now(), 'pending', 'outbox', now() + make_interval(secs => chat.disappearing_seconds)
  from inserted as entry
  inner join public.wa_sessions as session on session.id = entry.session_id
  inner join public.wa_chats as chat on chat.id = entry.chat_id
  -- Laterals, so that each is looked up by index, and mostly nothing is looked up.
  left join lateral (
    select named.*
    from public.wa_messages as named
    where named.id = case when entry.kind = 'forward' then (entry.payload ->> 'message_id')::uuid end
    limit 1
  ) as original on true
  left join lateral (
    select named.*
    from public.wa_messages as named
    where named.id = (entry.payload ->> 'reply_to')::uuid
    limit 1
  ) as answered on true
  where entry.message_id is not null
  order by entry.seq;

  perform wa_private.attach_outbox_files(array_agg(entry.id))
  from inserted as entry
  where entry.kind in ('image', 'video', 'gif', 'audio', 'voice', 'document', 'forward')
  having count(*) > 0;

  -- By address, as wa_store_batch does: who writes to the same chats waits, and nobody deadlocks.
  perform from public.wa_chats as chat
  where chat.id in (select entry.chat_id from inserted as entry where entry.message_id is not null)
  order by chat.jid
  for no key update;

  update public.wa_chats as chat
  set
    last_message_at = now(),
    last_message_preview = left(shown.body, 200),
    last_message_kind = shown.kind,
    last_message_from_me = true
  from (
    select distinct on (entry.chat_id) entry.chat_id, entry.message_id
    from inserted as entry
    where entry.message_id is not null
    order by entry.chat_id, entry.seq desc
  ) as newest
  inner join public.wa_messages as shown on shown.id = newest.message_id
  where chat.id = newest.chat_id
    and coalesce(chat.last_message_at, '-infinity') <= now();

  perform realtime.send(jsonb_build_object('session_id', rung.session_id), 'outbox_queued', 'wa:connectors', true)
  from (select distinct entry.session_id from inserted as entry) as rung;
  return null;
end;
$$;
comment on function wa_private.announce_outbox_rows() is
'Trigger: shows queued messages in their chats and rings the connectors'' doorbell.';

create trigger after_insert_announce
after insert on public.wa_outbox
referencing new table as inserted
for each statement execute function wa_private.announce_outbox_rows();

revoke execute on function wa_private.attach_outbox_files(uuid[]) from public, anon, authenticated;
revoke execute on function wa_private.most_queued() from public, anon, authenticated;
revoke execute on function wa_private.refuse_full_queue(uuid[]) from public, anon, authenticated;
revoke execute on function wa_private.announce_outbox_rows() from public, anon, authenticated;
