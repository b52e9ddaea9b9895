-- Purpose: files that WhatsApp has been given for messages to send: what was uploaded before the connector died, or
-- for another row, is used again instead of being uploaded twice (docs/outbox.md).
-- Affects: wa_private.uploads, row_uploads, upload_of, show_upload, forget_uploads (new), wa_find_upload,
-- wa_keep_upload (new).
-- (Attachments are a later file: a function's body is read when it runs.)
--
-- An upload: {url, direct_path, media_key, file_sha256, file_enc_sha256 (base64 all three), size_bytes, mime_type,
-- file_name, width, height, duration_seconds, waveform (64 steps from 0 to 100), thumbnail (base64 JPEG)}.

create table wa_private.uploads (
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  version text not null,
  upload jsonb not null,
  uploaded_at timestamptz not null default now(),
  primary key (session_id, version)
);
comment on table wa_private.uploads is 'What was uploaded of files that are sent again and again, by their version.';
comment on column wa_private.uploads.version is 'Of the file and how it is sent: bucket, path, etag and kind.';

create index uploads_uploaded_at_idx on wa_private.uploads (session_id, uploaded_at);

create table wa_private.row_uploads (
  outbox_id uuid primary key references public.wa_outbox (id) on delete cascade,
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  upload jsonb not null,
  uploaded_at timestamptz not null default now()
);
comment on table wa_private.row_uploads is
'What was uploaded for a row of the outbox. It stays until the row is settled: only then is it known that it was sent.';

create index row_uploads_uploaded_at_idx on wa_private.row_uploads (session_id, uploaded_at);

alter table wa_private.uploads enable row level security;
alter table wa_private.row_uploads enable row level security;
revoke all on table wa_private.uploads, wa_private.row_uploads from anon, authenticated;
grant select, insert, update, delete on table wa_private.uploads, wa_private.row_uploads to service_role;

create function wa_private.upload_of(p_outbox_id uuid)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select kept.upload
  from wa_private.row_uploads as kept
  where kept.outbox_id = p_outbox_id
    -- WhatsApp keeps what was uploaded for longer, but says nowhere for how long.
    and kept.uploaded_at > now() - interval '24 hours';
$$;
comment on function wa_private.upload_of(uuid) is
'What an earlier attempt uploaded for a row of the outbox and this one may use; null: nothing.';

create function wa_private.show_upload(p_message_id uuid, p_upload jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update public.wa_attachments as file
  set
    -- What is stored is the app's own file: it may have been converted before it was uploaded.
    mime_type = case
      when file.state = 'stored' then coalesce(file.mime_type, p_upload ->> 'mime_type')
      else coalesce(p_upload ->> 'mime_type', file.mime_type)
    end,
    size_bytes = case
      when file.state = 'stored' then coalesce(file.size_bytes, (p_upload ->> 'size_bytes')::bigint)
      else coalesce((p_upload ->> 'size_bytes')::bigint, file.size_bytes)
    end,
    file_name = coalesce(file.file_name, p_upload ->> 'file_name'),
    width = coalesce((p_upload ->> 'width')::integer, file.width),
    height = coalesce((p_upload ->> 'height')::integer, file.height),
    duration_seconds = coalesce((p_upload ->> 'duration_seconds')::numeric, file.duration_seconds),
    waveform = case
      when jsonb_typeof(p_upload -> 'waveform') = 'array' then array(
        select step.loudness::smallint
        from jsonb_array_elements_text(p_upload -> 'waveform') with ordinality as step (loudness, place)
        order by step.place
      )
      else file.waveform
    end,
    thumbnail = coalesce('data:image/jpeg;base64,' || (p_upload ->> 'thumbnail'), file.thumbnail)
  where file.message_id = p_message_id;
end;
$$;
comment on function wa_private.show_upload(uuid, jsonb) is
'Lets the attachment of a message say what became known of its file when it was prepared.';

create function wa_private.forget_uploads(p_session_id uuid)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  delete from wa_private.uploads as old
  where old.session_id = p_session_id
    and old.version in (
      select past.version
      from wa_private.uploads as past
      where past.session_id = p_session_id and past.uploaded_at < now() - interval '24 hours'
      order by past.uploaded_at
      limit 20
    );
  delete from wa_private.row_uploads as old
  where old.outbox_id in (
    select past.outbox_id
    from (
      select oldest.outbox_id
      from wa_private.row_uploads as oldest
      where oldest.session_id = p_session_id and oldest.uploaded_at < now() - interval '24 hours'
      order by oldest.uploaded_at
      limit 200
    ) as past
    inner join public.wa_outbox as entry on entry.id = past.outbox_id
    where entry.state not in ('queued', 'claimed', 'sending', 'uncertain')
    limit 20
  );
$$;
comment on function wa_private.forget_uploads(uuid) is
'Deletes a few uploads that nobody may use any more, whenever another is kept: they never pile up.';

create function public.wa_find_upload(p_session_id uuid, p_term bigint, p_version text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  return (
    select kept.upload
    from wa_private.uploads as kept
    where kept.session_id = p_session_id
      and kept.version = p_version
      and kept.uploaded_at > now() - interval '24 hours'
  );
end;
$$;
comment on function public.wa_find_upload(uuid, bigint, text) is
'What was uploaded of this version of a file within the last 24 hours, or null. Raises ZB001 when the term is stale.';

create function public.wa_keep_upload(
  p_session_id uuid, p_term bigint, p_outbox_id uuid, p_version text, p_upload jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  entry public.wa_outbox;
  since timestamptz;
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  -- Merges move files from message to message.
  perform wa_private.take_turns(p_session_id);
  perform wa_private.forget_uploads(p_session_id);
  select queued.* into entry
  from public.wa_outbox as queued
  where queued.id = p_outbox_id and queued.session_id = p_session_id
  for key share;
  if not found then
    return;
  end if;

  if p_version is not null then
    insert into wa_private.uploads as kept (session_id, version, upload)
    values (p_session_id, p_version, p_upload)
    on conflict (session_id, version) do update
    set upload = excluded.upload, uploaded_at = excluded.uploaded_at
    -- Using it once more makes it no younger.
    where kept.upload <> excluded.upload;
    select kept.uploaded_at into since
    from wa_private.uploads as kept
    where kept.session_id = p_session_id and kept.version = p_version;
  end if;
  insert into wa_private.row_uploads as kept (outbox_id, session_id, upload, uploaded_at)
  values (p_outbox_id, p_session_id, p_upload, coalesce(since, now()))
  on conflict (outbox_id) do update
  set upload = excluded.upload, uploaded_at = excluded.uploaded_at
  where kept.upload <> excluded.upload;
  perform wa_private.show_upload(entry.message_id, p_upload);
end;
$$;
comment on function public.wa_keep_upload(uuid, bigint, uuid, text, jsonb) is
'Keeps what was uploaded for a row of the outbox, before it is sent, and for others with the same version of the file '
'(null: it has none); tells the message''s attachment what is known of it. The migration says what an upload holds. '
'Twice is once. Raises ZB001 when the term is stale.';

revoke execute on function wa_private.upload_of(uuid) from public, anon, authenticated;
revoke execute on function wa_private.show_upload(uuid, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.forget_uploads(uuid) from public, anon, authenticated;
revoke execute on function public.wa_find_upload(uuid, bigint, text) from public, anon, authenticated;
revoke execute on function public.wa_keep_upload(uuid, bigint, uuid, text, jsonb) from public, anon, authenticated;
grant execute on function wa_private.upload_of(uuid) to service_role;
grant execute on function wa_private.show_upload(uuid, jsonb) to service_role;
grant execute on function wa_private.forget_uploads(uuid) to service_role;
grant execute on function public.wa_find_upload(uuid, bigint, text) to service_role;
grant execute on function public.wa_keep_upload(uuid, bigint, uuid, text, jsonb) to service_role;
