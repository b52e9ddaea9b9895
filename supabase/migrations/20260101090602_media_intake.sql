-- Purpose: the files of messages as they come in: first a row, with what it takes to fetch the file.
-- Affects: wa_private.up_to, store_attachments (new).

create function wa_private.up_to(p_value numeric, p_most bigint)
returns bigint
language sql
immutable
security invoker
set search_path = ''
as $$
  select case when p_value > 0 then least(p_value, p_most)::bigint end;
$$;
comment on function wa_private.up_to(numeric, bigint) is
'A size as a stranger states it: none when it is not positive, and no larger than there is room for.';

create function wa_private.store_attachments(p_session_id uuid, p_workspace_id uuid, p_items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  most constant integer := 2147483647;
  longest_text constant integer := 255;
  longest_thumbnail constant integer := 131072;
  added integer;
begin
  with given as (
    select distinct on (message.id)
      gen_random_uuid() as id, message.id as message_id, message.sent_at, item.attachment as file,
      decode(item.attachment ->> 'file_sha256', 'hex') as file_sha256
    from jsonb_to_recordset(p_items) as item (
      chat_jid text, whatsapp_id text, from_me boolean, sender_jid text, attachment jsonb
    )
    left join wa_private.contact_aliases as alias
      on alias.session_id = p_session_id and alias.phone_jid = item.chat_jid
    inner join public.wa_chats as chat
      on chat.session_id = p_session_id and chat.jid = coalesce(alias.lid_jid, item.chat_jid)
    -- Lateral, so that each is looked up by index however stale the planner's statistics.
    cross join lateral (
      select known.id, known.sent_at, known.sender_jid
      from public.wa_messages as known
      where known.session_id = p_session_id
        and known.chat_id = chat.id
        and known.whatsapp_id = item.whatsapp_id
        and known.from_me = item.from_me
      limit 1
    ) as message
    left join wa_private.contact_aliases as sender
      on sender.session_id = p_session_id and sender.phone_jid = item.sender_jid
    where jsonb_typeof(item.attachment) = 'object'
      -- Nobody hangs a file on somebody else's message by giving its id to one of their own.
      and (item.from_me or wa_private.may_be_one(message.sender_jid, coalesce(sender.lid_jid, item.sender_jid)))
      and not exists (select from public.wa_attachments as known where known.message_id = message.id)
    order by message.id
  ),
  shown as (
    insert into public.wa_attachments (
      id, workspace_id, session_id, message_id, mime_type, size_bytes, file_name, width, height, duration_seconds,
      waveform, thumbnail
    )
    select
      given.id, p_workspace_id, p_session_id, given.message_id,
      left(given.file ->> 'mime_type', longest_text),
      wa_private.up_to((given.file ->> 'size_bytes')::numeric, 9223372036854775807),
      left(given.file ->> 'file_name', longest_text),
      wa_private.up_to((given.file ->> 'width')::numeric, most),
      wa_private.up_to((given.file ->> 'height')::numeric, most),
      -- Not least() alone: it would take null for the largest.
      case
        when (given.file ->> 'duration_seconds')::numeric >= 0
          then least((given.file ->> 'duration_seconds')::numeric, 999999)
      end,
      case when jsonb_typeof(given.file -> 'waveform') = 'array' then array(
        select least(greatest(step.loudness::numeric, 0), 100)::smallint
        from jsonb_array_elements_text(given.file -> 'waveform') with ordinality as step (loudness, place)
        order by step.place
        limit 64
      ) end,
      case when length(given.file ->> 'thumbnail') <= longest_thumbnail then given.file ->> 'thumbnail' end
    from given
    on conflict (message_id) do nothing
    returning id
  )
  insert into wa_private.attachment_keys (
    attachment_id, session_id, media_type, direct_path, media_key, file_sha256, file_enc_sha256, sent_at
  )
  select
    given.id, p_session_id, given.file ->> 'media_type', given.file ->> 'direct_path',
    decode(given.file ->> 'media_key', 'base64'), given.file_sha256,
    decode(given.file ->> 'file_enc_sha256', 'hex'), given.sent_at
  from given
  inner join shown on shown.id = given.id;
  get diagnostics added = row_count;
  return added;
end;
$$;
comment on function wa_private.store_attachments(uuid, uuid, jsonb) is
'Gives messages their files: of messages as wa_store_batch describes them, once these are stored, those that carry an '
'attachment. Each once; returns how many are new.';

revoke execute on function wa_private.up_to(numeric, bigint) from public, anon, authenticated;
revoke execute on function wa_private.store_attachments(uuid, uuid, jsonb) from public, anon, authenticated;
grant execute on function wa_private.up_to(numeric, bigint) to service_role;
grant execute on function wa_private.store_attachments(uuid, uuid, jsonb) to service_role;
