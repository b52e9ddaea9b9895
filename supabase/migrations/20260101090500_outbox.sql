-- Purpose: what apps want sent (docs/outbox.md). An app inserts; the connector does the rest.
-- Affects: public.wa_outbox (new).
--
--   queued -> claimed -> sending -> sent -> delivered -> read
--      |         |          |-> queued     refused for now, or never begun
--      |         |          |-> failed     error_code, error_message
--      |         |          |-> uncertain  begun, and no receipt by settle_by; a receipt still settles it
--      |-> expired, cancelled

create table public.wa_outbox (
  id uuid primary key default gen_random_uuid(),
  seq bigint generated always as identity,
  workspace_id uuid not null references public.wa_workspaces (id) on delete cascade,
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  "to" text not null default '',
  kind text not null default 'text',
  payload jsonb not null default '{}',
  priority integer not null default 0,
  send_after timestamptz not null default now(),
  expires_at timestamptz,

  state text not null default 'queued'
  constraint wa_outbox_state_check check (state in (
    'queued', 'claimed', 'sending', 'sent', 'delivered', 'read',
    'failed', 'cancelled', 'expired', 'uncertain'
  )),
  attempts integer not null default 0,
  claims integer not null default 0,
  error_code text,
  error_message text,
  chat_id uuid references public.wa_chats (id) on delete set null,
  to_jid text,
  -- Checked at commit: a statement's rows are inserted before their messages.
  message_id uuid references public.wa_messages (id) on delete set null deferrable initially deferred,
  whatsapp_id text,
  claim_term bigint,
  claim_lineage text,
  claimed_at timestamptz,
  retry_at timestamptz,
  settle_by timestamptz,
  sent_at timestamptz,
  delivered_at timestamptz,
  read_at timestamptz,
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.wa_outbox is 'Messages to send. Insert a row; watch its state.';
comment on column public.wa_outbox.id is 'May be chosen by the app: inserting it twice is one send.';
comment on column public.wa_outbox."to" is
'A phone number with country code, a JID, or the id of a chat of the same session. May be left out of a reaction, '
'edit, delete or read: it is the chat of the message.';
comment on column public.wa_outbox.payload is 'What to send; its shape depends on kind. For text: {"text": "…"}.';
comment on column public.wa_outbox.priority is 'Higher goes first, then earlier send_after, then insertion.';
comment on column public.wa_outbox.send_after is 'Not before.';
comment on column public.wa_outbox.expires_at is 'Not after: a late one-time code does harm.';
comment on column public.wa_outbox.error_code is 'Stable; docs/errors.md.';
comment on column public.wa_outbox.error_message is 'The reason as a sentence a person can read.';
comment on column public.wa_outbox.message_id is 'The row in wa_messages that shows it in its chat.';
comment on column public.wa_outbox.attempts is 'Sends begun or cut off; what was given back unbegun is not counted.';
comment on column public.wa_outbox.claims is 'How often it was taken; each has a message secret of its own.';
comment on column public.wa_outbox.claim_term is 'The lease term of the connector that took it.';
comment on column public.wa_outbox.claim_lineage is
'The copy of the WhatsApp store in use then: only that very copy can prove that nothing was sent.';
comment on column public.wa_outbox.claimed_at is 'When it was last taken: nothing of this attempt can be older.';
comment on column public.wa_outbox.retry_at is
'While queued: refused for now, tried again then. It keeps its place: what follows in its chat waits for it.';
comment on column public.wa_outbox.settle_by is
'While sending: begun, its whatsapp_id is known, and until then a receipt may prove that it was sent.';
-- No foreign key: what was sent stays true when its author's account is deleted.
comment on column public.wa_outbox.created_by is 'The user who inserted it; null: the service.';

create index wa_outbox_workspace_id_created_at_idx on public.wa_outbox (workspace_id, created_at desc);
create index wa_outbox_session_id_whatsapp_id_idx on public.wa_outbox (session_id, whatsapp_id);
create index wa_outbox_chat_id_idx on public.wa_outbox (chat_id);
create index wa_outbox_message_id_idx on public.wa_outbox (message_id);
create index wa_outbox_due_idx on public.wa_outbox (session_id, priority desc, send_after, seq)
where state = 'queued';
-- When the next one's time comes, whatever its priority: apps number thousands of rows by it.
create index wa_outbox_send_after_idx on public.wa_outbox (session_id, send_after)
where state = 'queued';
create index wa_outbox_expires_at_idx on public.wa_outbox (session_id, expires_at)
where state = 'queued' and expires_at is not null;
create index wa_outbox_in_flight_idx on public.wa_outbox (session_id)
where state in ('claimed', 'sending');
-- Mostly empty: what is asked of it with each batch of receipts costs nothing.
create index wa_outbox_uncertain_idx on public.wa_outbox (session_id, chat_id)
where state = 'uncertain' and whatsapp_id is null;

create trigger before_update_stamp_updated_at
before update on public.wa_outbox
for each row execute function wa_private.stamp_updated_at();

alter table public.wa_outbox enable row level security;
revoke all on table public.wa_outbox from anon, authenticated, service_role;
revoke all on sequence public.wa_outbox_seq_seq from anon, authenticated;
grant select on table public.wa_outbox to authenticated;
grant insert (id, session_id, "to", kind, payload, priority, send_after, expires_at)
on table public.wa_outbox to authenticated;
grant select, insert, update, delete on table public.wa_outbox to service_role;

create policy "Members read their workspace's outbox"
on public.wa_outbox
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));

-- workspace_id is that of the session: a trigger fills it in before this is checked.
create policy "Members send from their workspace's sessions"
on public.wa_outbox
for insert
to authenticated
with check (workspace_id in (select wa_private.my_workspace_ids()));
