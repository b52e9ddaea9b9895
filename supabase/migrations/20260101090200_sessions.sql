-- Purpose: sessions, one per linked WhatsApp number, and what has happened to them.
-- Affects: public.wa_sessions, public.wa_events (new).

create table public.wa_sessions (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.wa_workspaces (id) on delete cascade,
  name text not null default 'WhatsApp'
  constraint wa_sessions_name_check check (length(name) between 1 and 200),

  desired_state text not null default 'disconnected'
  constraint wa_sessions_desired_state_check check (desired_state in ('connected', 'disconnected', 'logged_out')),
  desired_revision bigint not null default 1,
  state text not null default 'disconnected'
  constraint wa_sessions_state_check check (state in (
    'disconnected', 'pairing', 'connecting', 'syncing', 'connected', 'reconnecting',
    'logged_out', 'banned', 'outdated', 'replaced', 'failed'
  )),
  state_code text,
  state_message text,
  user_action text not null default 'none'
  constraint wa_sessions_user_action_check check (user_action in (
    'none', 'scan_qr', 'wait', 'update_connector', 'contact_support'
  )),
  settled_revision bigint,
  retry_at timestamptz,

  qr_code text,
  qr_image text,
  qr_expires_at timestamptz,
  pairing_phone text
  constraint wa_sessions_pairing_phone_check check (pairing_phone ~ '^[1-9][0-9]{6,14}$'),
  pairing_code text,

  phone_number text,
  jid text,
  lid text,
  push_name text,

  sync_state text not null default 'idle'
  constraint wa_sessions_sync_state_check check (sync_state in ('idle', 'running', 'done', 'failed')),
  sync_progress smallint not null default 0
  constraint wa_sessions_sync_progress_check check (sync_progress between 0 and 100),
  history_days smallint not null default 14
  constraint wa_sessions_history_days_check check (history_days between 0 and 365),
  sync_updated_at timestamptz,
  ignore_status boolean not null default true,
  ignore_newsletters boolean not null default true,
  ignore_calls boolean not null default true,
  appear_online boolean not null default false,

  -- For a person's own number (docs/pacing.md); null: no limit.
  -- Said with both ends: NaN is more than 0.
  send_gap_seconds numeric(6, 2) default 1.5
  constraint wa_sessions_send_gap_check check (send_gap_seconds between 0 and 9999.99),
  send_per_minute integer default 20
  constraint wa_sessions_send_per_minute_check check (send_per_minute > 0),
  send_per_day integer default 1000
  constraint wa_sessions_send_per_day_check check (send_per_day > 0),
  send_new_per_day integer default 30
  constraint wa_sessions_send_new_per_day_check check (send_new_per_day >= 0),
  warm_up_days smallint not null default 7
  constraint wa_sessions_warm_up_days_check check (warm_up_days between 0 and 365),
  next_send_at timestamptz,
  paused_until timestamptz,
  pause_reason text,
  new_chats_paused_until timestamptz,

  linked_at timestamptz,
  connected_at timestamptz,
  disconnected_at timestamptz,
  last_seen_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.wa_sessions is
'One linked WhatsApp number. Apps write desired_state and watch state; the connector closes the gap.';
comment on column public.wa_sessions.desired_state is
'What the user wants. Writing it, even with the same value, asks again: that is how a new QR is requested.';
comment on column public.wa_sessions.desired_revision is 'Rises with each write of desired_state.';
comment on column public.wa_sessions.state is 'What is so. connected: a stanza was seen within the last minute.';
comment on column public.wa_sessions.state_code is 'Stable reason for the state; docs/errors.md.';
comment on column public.wa_sessions.state_message is 'The reason as a sentence a person can read.';
comment on column public.wa_sessions.user_action is 'What a person has to do, if anything.';
comment on column public.wa_sessions.settled_revision is
'The desired_revision that the state answers for good; null while the connector is at it.';
comment on column public.wa_sessions.retry_at is
'When the connector tries again by itself; null: not before it is asked.';
comment on column public.wa_sessions.qr_code is 'What to show as a QR code; cleared the moment it was scanned.';
comment on column public.wa_sessions.qr_image is 'The same as a PNG data URI, ready for an <img>.';
comment on column public.wa_sessions.pairing_phone is
'Digits with country code. When set, pairing is offered by code instead of QR.';
comment on column public.wa_sessions.pairing_code is 'What to type on that phone; cleared after use.';
comment on column public.wa_sessions.phone_number is 'The linked number, digits with country code.';
comment on column public.wa_sessions.sync_state is
'How the history of the phone is coming in: failed means that it stopped coming, what came is there.';
comment on column public.wa_sessions.last_seen_at is
'When the connector last saw this number alive. Older than two minutes while connected: the connector itself is down.';
comment on column public.wa_sessions.history_days is 'How far back to read what the phone sends after linking.';
comment on column public.wa_sessions.push_name is 'What the number''s owner calls themselves.';
comment on column public.wa_sessions.sync_progress is 'Percent of the history that has arrived after linking.';
comment on column public.wa_sessions.sync_updated_at is
'When sync_state or sync_progress was last told; what stays silent for long has stalled.';
comment on column public.wa_sessions.ignore_status is 'Store nothing of people''s status updates.';
comment on column public.wa_sessions.ignore_newsletters is 'Store nothing of channels the number follows.';
comment on column public.wa_sessions.ignore_calls is 'Do not mention calls in their chats.';
comment on column public.wa_sessions.appear_online is
'Show the number as online: only then is it told who is typing, and the phone gets fewer push notifications.';
comment on column public.wa_sessions.send_gap_seconds is
'Least time between two sends, up to twice as long by chance; null: as fast as possible.';
comment on column public.wa_sessions.send_per_minute is 'Most messages in any 60 seconds; null: no limit.';
comment on column public.wa_sessions.send_per_day is 'Most messages in any 24 hours; null: no limit.';
comment on column public.wa_sessions.send_new_per_day is
'Most people who never wrote to be written to, in any 24 hours; null: no limit.';
comment on column public.wa_sessions.warm_up_days is
'For so long after linked_at the limits grow, from a fifth on the first day to all of it; 0: no warm-up.';
comment on column public.wa_sessions.next_send_at is
'When the limits let the next queued message go; null or past: they hold nothing up.';
comment on column public.wa_sessions.paused_until is
'Nothing is sent before; set by WhatsApp''s own limits or a person. infinity: until it is resumed.';
comment on column public.wa_sessions.pause_reason is
'Why paused_until was set: member, or a code of docs/errors.md.';
comment on column public.wa_sessions.new_chats_paused_until is
'People who never wrote are not written to before; set by WhatsApp''s own limit on new conversations.';
comment on column public.wa_sessions.linked_at is 'When a phone last linked this number; a reconnect changes nothing.';

create index wa_sessions_workspace_id_idx on public.wa_sessions (workspace_id);

create trigger before_update_stamp_updated_at
before update on public.wa_sessions
for each row execute function wa_private.stamp_updated_at();

create function wa_private.raise_desired_revision()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  new.desired_revision := old.desired_revision + 1;
  return new;
end;
$$;
comment on function wa_private.raise_desired_revision() is
'Trigger: makes "connect again" visible although desired_state keeps its value.';
revoke execute on function wa_private.raise_desired_revision() from public, anon, authenticated;

-- Fires when the column is in the update's list, whether or not its value changes.
create trigger before_update_raise_desired_revision
before update of desired_state on public.wa_sessions
for each row execute function wa_private.raise_desired_revision();

alter table public.wa_sessions enable row level security;
revoke all on table public.wa_sessions from anon, authenticated, service_role;
grant select on table public.wa_sessions to authenticated;
grant insert (
  id, workspace_id, name, desired_state, pairing_phone, history_days, ignore_status,
  ignore_newsletters, ignore_calls, appear_online, send_gap_seconds, send_per_minute, send_per_day, send_new_per_day,
  warm_up_days
) on table public.wa_sessions to authenticated;
grant update (
  name, desired_state, pairing_phone, history_days, ignore_status,
  ignore_newsletters, ignore_calls, appear_online, send_gap_seconds, send_per_minute, send_per_day, send_new_per_day,
  warm_up_days
) on table public.wa_sessions to authenticated;
grant select, insert, update, delete on table public.wa_sessions to service_role;

create policy "Members read their workspace's sessions"
on public.wa_sessions
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));

create policy "Admins add sessions to their workspace"
on public.wa_sessions
for insert
to authenticated
with check (workspace_id in (select wa_private.my_workspace_ids_as('{owner,admin}')));

-- Every member, not only admins: whoever sits at the inbox must be able to scan again.
create policy "Members steer their workspace's sessions"
on public.wa_sessions
for update
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()))
with check (workspace_id in (select wa_private.my_workspace_ids()));

create table public.wa_events (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.wa_workspaces (id) on delete cascade,
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  level text not null
  constraint wa_events_level_check check (level in ('info', 'warning', 'error')),
  code text not null,
  message text not null,
  details jsonb not null default '{}',
  created_at timestamptz not null default now()
);
comment on table public.wa_events is
'What a person can act on, or wants to have read about a session. Kept 30 days.';
comment on column public.wa_events.code is 'Stable; docs/errors.md.';
comment on column public.wa_events.details is 'Ids, counts and codes; never a text, number or key.';

create index wa_events_workspace_id_created_at_idx on public.wa_events (workspace_id, created_at desc);
create index wa_events_session_id_created_at_idx on public.wa_events (session_id, created_at desc);

alter table public.wa_events enable row level security;
revoke all on table public.wa_events from anon, authenticated, service_role;
grant select on table public.wa_events to authenticated;
grant select, insert, update, delete on table public.wa_events to service_role;

create policy "Members read their workspace's events"
on public.wa_events
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));
