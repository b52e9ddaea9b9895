-- Purpose: messages, what they said before, and who got them.
-- Affects: public.wa_messages, wa_message_edits, wa_receipts (new).
-- All are written by RPCs and the outbox's trigger only, which fill workspace_id from the session.

create table public.wa_messages (
  id uuid primary key default gen_random_uuid(),
  seq bigint generated always as identity,
  -- Both are the chat's: the one foreign key is enough, and all that busy inserts should pay for.
  workspace_id uuid not null,
  session_id uuid not null,
  chat_id uuid not null references public.wa_chats (id) on delete cascade,
  whatsapp_id text,
  from_me boolean not null,
  sender_contact_id uuid references public.wa_contacts (id) on delete set null,
  sender_jid text,
  sender_name text,
  kind text not null,
  body text,
  content jsonb not null default '{}',
  quoted_whatsapp_id text,
  quoted_message_id uuid references public.wa_messages (id) on delete set null,
  mentions text[] not null default '{}',
  sent_at timestamptz not null,
  status text not null
  constraint wa_messages_status_check check (
    status in ('pending', 'failed', 'sent', 'delivered', 'read', 'played')
  ),
  error_code text,
  source text not null
  constraint wa_messages_source_check check (source in ('live', 'history', 'outbox', 'phone')),
  edited_at timestamptz,
  revoked_at timestamptz,
  revoked_by_jid text,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- In this order no other index begins as this one does: a plan made while the table was
  -- empty finds a message by it all the same (and not by reading through its chat).
  constraint wa_messages_session_id_whatsapp_id_chat_id_from_me_key
  unique (session_id, whatsapp_id, chat_id, from_me)
);
comment on table public.wa_messages is 'Everything said in a chat, by either side, each message once.';
comment on column public.wa_messages.seq is
'Order of arrival. WhatsApp''s times are whole seconds: sort a chat by sent_at, seq.';
comment on column public.wa_messages.whatsapp_id is 'Null while an outgoing message has not been sent.';
comment on column public.wa_messages.sender_name is 'What the sender called themselves at the time.';
comment on column public.wa_messages.kind is
'text, image, video, …: docs/messages.md. system: what happened in the chat; undecryptable: the place of what '
'WhatsApp sends again.';
comment on column public.wa_messages.body is 'The text, or a media message''s caption.';
comment on column public.wa_messages.content is 'What else belongs to this kind.';
comment on column public.wa_messages.quoted_whatsapp_id is
'Replies to this message: of the same chat, or privately to one of a group.';
comment on column public.wa_messages.quoted_message_id is 'The same as a row, whichever of the two came first.';
comment on column public.wa_messages.mentions is 'Addresses of the people mentioned: LIDs as far as they are known.';
comment on column public.wa_messages.status is
'Only moves forward. In a group, as far as any member got; who exactly: wa_receipts.';
comment on column public.wa_messages.error_code is
'Why it was not sent, or not yet; docs/errors.md. The reason as a sentence is in the row of wa_outbox.';
comment on column public.wa_messages.source is
'live or history: received; phone: typed on the owner''s phone; outbox: sent by the app.';
comment on column public.wa_messages.edited_at is
'When the author last changed it; what it said before is in wa_message_edits.';
comment on column public.wa_messages.revoked_at is 'When it was deleted for everyone. The row keeps what it said.';
comment on column public.wa_messages.revoked_by_jid is 'By whom: the author, or an admin of the group.';
comment on column public.wa_messages.expires_at is 'When a disappearing message disappears.';

create index wa_messages_chat_id_sent_at_idx on public.wa_messages (chat_id, sent_at desc, seq desc);
-- Whether somebody ever wrote, and what last, also where thousands of ours come after it. In the same order as the
-- other, so that a plan made while the table was empty is as good with either.
create index wa_messages_incoming_idx on public.wa_messages (chat_id, sent_at desc, seq desc)
where not from_me;
create index wa_messages_workspace_id_sent_at_idx on public.wa_messages (workspace_id, sent_at desc);
create index wa_messages_sender_contact_id_sent_at_idx on public.wa_messages (sender_contact_id, sent_at desc);
create index wa_messages_quoted_message_id_idx on public.wa_messages (quoted_message_id)
where quoted_message_id is not null;
-- Replies whose original has not come yet.
create index wa_messages_unlinked_replies_idx on public.wa_messages (session_id, quoted_whatsapp_id, chat_id)
where quoted_message_id is null and quoted_whatsapp_id is not null;
-- Finds the mentions of a phone address whose LID becomes known; without a list of pending entries,
-- which every search would have to read through.
create index wa_messages_mentions_idx on public.wa_messages using gin (mentions) with (fastupdate = off)
where mentions <> '{}';

create trigger before_update_stamp_updated_at
before update on public.wa_messages
for each row execute function wa_private.stamp_updated_at();

create table public.wa_message_edits (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.wa_workspaces (id) on delete cascade,
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  message_id uuid not null references public.wa_messages (id) on delete cascade,
  version integer not null
  constraint wa_message_edits_version_check check (version >= 0),
  body text,
  content jsonb not null default '{}',
  edited_at timestamptz not null,
  created_at timestamptz not null default now(),
  constraint wa_message_edits_message_id_version_key unique (message_id, version)
);
comment on table public.wa_message_edits is 'What an edited message said before.';
comment on column public.wa_message_edits.version is '0: as it was first said.';
comment on column public.wa_message_edits.edited_at is 'When this version was replaced.';

create index wa_message_edits_workspace_id_idx on public.wa_message_edits (workspace_id);
create index wa_message_edits_session_id_idx on public.wa_message_edits (session_id);

-- Receipts may arrive before the message they are for, so they name it by WhatsApp's id and have
-- no foreign key to it; the natural key spares busy groups an index.
create table public.wa_receipts (
  chat_id uuid not null references public.wa_chats (id) on delete cascade,
  whatsapp_id text not null,
  participant_jid text not null,
  session_id uuid not null,
  workspace_id uuid not null,
  status text not null
  constraint wa_receipts_status_check check (status in ('delivered', 'read', 'played')),
  delivered_at timestamptz,
  read_at timestamptz,
  played_at timestamptz,
  primary key (chat_id, whatsapp_id, participant_jid)
);
comment on table public.wa_receipts is 'Who got, read or played which of our messages, and when.';
comment on column public.wa_receipts.status is 'Only moves forward.';

create index wa_receipts_workspace_id_idx on public.wa_receipts (workspace_id);
create index wa_receipts_phone_participant_idx on public.wa_receipts (session_id, participant_jid)
where participant_jid like '%@s.whatsapp.net';

alter table public.wa_messages enable row level security;
alter table public.wa_message_edits enable row level security;
alter table public.wa_receipts enable row level security;

revoke all on table public.wa_messages, public.wa_message_edits, public.wa_receipts
from anon, authenticated, service_role;
revoke all on sequence public.wa_messages_seq_seq from anon, authenticated;
grant select on table public.wa_messages, public.wa_message_edits, public.wa_receipts
to authenticated;
grant select, insert, update, delete
on table public.wa_messages, public.wa_message_edits, public.wa_receipts
to service_role;

create policy "Members read their workspace's messages"
on public.wa_messages
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));

create policy "Members read what their workspace's messages said before"
on public.wa_message_edits
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));

create policy "Members read their workspace's receipts"
on public.wa_receipts
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));
