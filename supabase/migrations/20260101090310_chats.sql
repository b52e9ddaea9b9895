-- Purpose: conversations: with one person, in a group, or what only speaks to us.
-- Affects: public.wa_chats, a trigger on it (new).

create table public.wa_chats (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.wa_workspaces (id) on delete cascade,
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  contact_id uuid references public.wa_contacts (id) on delete set null,
  jid text not null,
  kind text not null
  constraint wa_chats_kind_check check (kind in ('direct', 'group', 'status', 'newsletter')),
  name text,
  description text,
  avatar_path text,
  avatar_id text,
  avatar_checked_at timestamptz,
  refreshed_at timestamptz,
  -- Members write it, and batches count on: it must never overflow.
  unread_count integer not null default 0
  constraint wa_chats_unread_count_check check (unread_count between 0 and 1000000),
  read_up_to timestamptz,
  ticked_up_to timestamptz,
  last_message_at timestamptz,
  last_message_preview text,
  last_message_kind text,
  last_message_from_me boolean,
  archived boolean not null default false,
  pinned_at timestamptz,
  muted_until timestamptz,
  disappearing_seconds integer,
  announcements_only boolean not null default false,
  left_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.wa_chats is 'One conversation of one linked number.';
comment on column public.wa_chats.kind is
'status: everybody''s status updates; newsletter: a channel. Both only when the session does not ignore them.';
comment on column public.wa_chats.contact_id is 'The other person of a direct chat.';
comment on column public.wa_chats.jid is 'Of a direct chat: the person''s LID once it is known.';
comment on column public.wa_chats.name is 'A group''s subject. A direct chat is named by its contact.';
comment on column public.wa_chats.avatar_path is 'A group''s picture, in the bucket wa-media.';
comment on column public.wa_chats.avatar_id is 'WhatsApp''s id of that picture; empty: the group has none.';
comment on column public.wa_chats.avatar_checked_at is
'As of when the picture is known; null: it was never asked for.';
comment on column public.wa_chats.refreshed_at is
'As of when the members are known; null: the group was never asked for.';
comment on column public.wa_chats.unread_count is
'Incoming live messages after read_up_to, and before the first reading what was unread when the number was linked. '
'Set it to 0 to mark the chat as read.';
comment on column public.wa_chats.read_up_to is
'What was said until then has been read, here or on another device of the number. Only rises.';
comment on column public.wa_chats.ticked_up_to is
'What was said until then others were told that it was read, by a device of the number or by an outbox row of kind '
'read. Only rises.';
comment on column public.wa_chats.last_message_preview is 'The beginning of the newest message.';
comment on column public.wa_chats.last_message_at is 'When it was sent; the order of a list of chats.';
comment on column public.wa_chats.last_message_kind is 'Of the newest message: what to show when it has no words.';
comment on column public.wa_chats.archived is 'As on the phone, like pinned_at and muted_until.';
comment on column public.wa_chats.pinned_at is 'Since when the chat is pinned, as far as is known; null: it is not.';
comment on column public.wa_chats.muted_until is 'infinity: for good; null or past: it is not muted.';
comment on column public.wa_chats.disappearing_seconds is 'How long messages live; null: for ever.';
comment on column public.wa_chats.announcements_only is 'Only the group''s admins may write.';
comment on column public.wa_chats.left_at is 'Since when the number is no longer in the group.';

create index wa_chats_workspace_id_last_message_at_idx
on public.wa_chats (workspace_id, last_message_at desc nulls last);
create index wa_chats_session_id_last_message_at_idx
on public.wa_chats (session_id, last_message_at desc nulls last);
create index wa_chats_contact_id_idx on public.wa_chats (contact_id);
-- The last of them: of indexes that seem to cost the same, as all do until autovacuum has counted, Postgres takes the
-- newest. By the one above, each of 20,000 new recipients was looked for among all chats of the session.
create unique index wa_chats_session_id_jid_key on public.wa_chats (session_id, jid);

create trigger before_update_stamp_updated_at
before update on public.wa_chats
for each row execute function wa_private.stamp_updated_at();

create function wa_private.mark_as_read()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  -- Nothing but a member counts down to 0 without saying what was read; others count 0 where nothing was unread.
  if new.unread_count = 0
    and new.read_up_to is not distinct from old.read_up_to
    and (old.unread_count > 0 or current_user = 'authenticated')
  then
    new.read_up_to := greatest(old.read_up_to, coalesce(new.last_message_at, now()));
  end if;
  return new;
end;
$$;
comment on function wa_private.mark_as_read() is
'Trigger: a chat whose unread_count is set to 0 has been read, and what arrives late of the time before is not unread.';
revoke execute on function wa_private.mark_as_read() from public, anon, authenticated;

create trigger before_update_mark_as_read
before update of unread_count on public.wa_chats
for each row execute function wa_private.mark_as_read();

alter table public.wa_chats enable row level security;
revoke all on table public.wa_chats from anon, authenticated, service_role;
grant select on table public.wa_chats to authenticated;
grant update (unread_count) on table public.wa_chats to authenticated;
grant select, insert, update, delete on table public.wa_chats to service_role;

create policy "Members read their workspace's chats"
on public.wa_chats
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));

create policy "Members mark their workspace's chats as read"
on public.wa_chats
for update
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()))
with check (workspace_id in (select wa_private.my_workspace_ids()));
