-- Purpose: files that belong to messages, the bucket they are in, and who may open them.
-- Affects: public.wa_attachments, wa_private.attachment_keys (new), bucket wa-media, a policy on
-- storage.objects.

create table public.wa_attachments (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.wa_workspaces (id) on delete cascade,
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  message_id uuid not null references public.wa_messages (id) on delete cascade,
  state text not null default 'pending'
  constraint wa_attachments_state_check check (state in ('pending', 'stored', 'failed', 'expired', 'too_large')),
  error_code text,
  bucket text not null default 'wa-media',
  storage_path text,
  mime_type text,
  size_bytes bigint,
  sha256 text,
  file_name text,
  width integer,
  height integer,
  duration_seconds numeric(10, 3),
  waveform smallint[],
  thumbnail text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint wa_attachments_message_id_key unique (message_id)
);
comment on table public.wa_attachments is 'A message''s file: the row comes first, the file follows.';
comment on column public.wa_attachments.state is
'pending; stored; failed (error_code); expired: WhatsApp no longer has it; too_large.';
comment on column public.wa_attachments.bucket is
'Of Storage; another than wa-media only for what the app sent from there.';
comment on column public.wa_attachments.storage_path is
'<workspace>/<session>/<yyyy>/<mm>/<id>.<ext>, or wherever the app had put what it sent. Equal files of a session '
'share one path, with the id of the attachment that was fetched first.';
comment on column public.wa_attachments.sha256 is
'Hex, of the bytes; null until it is stored, and for what the app sent from Storage.';
comment on column public.wa_attachments.file_name is 'As claimed by the sender: for display, never a path.';
comment on column public.wa_attachments.waveform is 'A voice note''s loudness, 64 steps from 0 to 100.';
comment on column public.wa_attachments.thumbnail is 'A small JPEG as a data URI.';

create index wa_attachments_workspace_id_idx on public.wa_attachments (workspace_id);
create index wa_attachments_session_id_sha256_idx on public.wa_attachments (session_id, sha256);

create trigger before_update_stamp_updated_at
before update on public.wa_attachments
for each row execute function wa_private.stamp_updated_at();

create table wa_private.attachment_keys (
  attachment_id uuid primary key references public.wa_attachments (id) on delete cascade,
  session_id uuid not null,
  media_type text,
  direct_path text,
  media_key bytea,
  file_sha256 bytea,
  file_enc_sha256 bytea,
  sent_at timestamptz not null,
  awaited boolean not null default true,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default '-infinity',
  claim_term bigint,
  leased_until timestamptz not null default '-infinity'
);
comment on table wa_private.attachment_keys is
'What it takes to fetch a file from WhatsApp, also again; and who is at it.';
comment on column wa_private.attachment_keys.file_sha256 is 'Of the file, as claimed by the sender.';
comment on column wa_private.attachment_keys.sent_at is 'Of the message: the newest files are fetched first.';
comment on column wa_private.attachment_keys.awaited is 'The attachment is pending.';
comment on column wa_private.attachment_keys.attempts is 'Fetches begun.';
comment on column wa_private.attachment_keys.claim_term is
'The lease term of the connector that fetches it until leased_until; one of an older term no longer does.';

create index attachment_keys_due_idx on wa_private.attachment_keys (session_id, sent_at desc, attachment_id)
where awaited;
create index attachment_keys_file_sha256_idx on wa_private.attachment_keys (session_id, file_sha256)
where awaited;

alter table public.wa_attachments enable row level security;
alter table wa_private.attachment_keys enable row level security;
revoke all on table public.wa_attachments from anon, authenticated, service_role;
revoke all on table wa_private.attachment_keys from anon, authenticated;
grant select on table public.wa_attachments to authenticated;
grant select, insert, update, delete on table public.wa_attachments, wa_private.attachment_keys to service_role;

create policy "Members read their workspace's attachments"
on public.wa_attachments
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));

insert into storage.buckets (id, name, public)
values ('wa-media', 'wa-media', false)
on conflict (id) do nothing;

create policy "Members read their workspace's WhatsApp media"
on storage.objects
for select
to authenticated
using (
  bucket_id = 'wa-media'
  and (storage.foldername(name))[1] in (
    select mine.workspace_id::text from wa_private.my_workspace_ids() as mine (workspace_id)
  )
);
