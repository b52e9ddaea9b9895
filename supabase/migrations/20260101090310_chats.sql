-- Purpose: conversations, direct and group, and who is in a group.
-- Affects: public.wa_chats, public.wa_group_members (new).

create table public.wa_chats (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.wa_workspaces (id) on delete cascade,
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  contact_id uuid references public.wa_contacts (id) on delete set null,
  jid text not null,
  kind text not null
  constraint wa_chats_kind_check check (kind in ('direct', 'group')),
  name text,
  description text,
  avatar_path text,
  unread_count integer not null default 0
  constraint wa_chats_unread_count_check check (unread_count >= 0),
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
  updated_at timestamptz not null default now(),
  constraint wa_chats_session_id_jid_key unique (session_id, jid)
);
comment on table public.wa_chats is 'One conversation of one linked number.';
comment on column public.wa_chats.contact_id is 'The other person of a direct chat.';
comment on column public.wa_chats.jid is 'Of a direct chat: the person''s LID once it is known.';
comment on column public.wa_chats.name is 'A group''s subject. A direct chat is named by its contact.';
comment on column public.wa_chats.unread_count is 'Incoming live messages since it was last set to 0.';
comment on column public.wa_chats.last_message_preview is 'The beginning of the newest message.';
comment on column public.wa_chats.disappearing_seconds is 'How long messages live; null: for ever.';
comment on column public.wa_chats.announcements_only is 'Only the group''s admins may write.';
comment on column public.wa_chats.left_at is 'Since when the number is no longer in the group.';

create index wa_chats_workspace_id_last_message_at_idx
on public.wa_chats (workspace_id, last_message_at desc nulls last);
create index wa_chats_session_id_last_message_at_idx
on public.wa_chats (session_id, last_message_at desc nulls last);
create index wa_chats_contact_id_idx on public.wa_chats (contact_id);

create trigger before_update_stamp_updated_at
before update on public.wa_chats
for each row execute function wa_private.stamp_updated_at();

create table public.wa_group_members (
  chat_id uuid not null references public.wa_chats (id) on delete cascade,
  contact_id uuid not null references public.wa_contacts (id) on delete cascade,
  workspace_id uuid not null references public.wa_workspaces (id) on delete cascade,
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  role text not null default 'member'
  constraint wa_group_members_role_check check (role in ('member', 'admin', 'superadmin')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (chat_id, contact_id)
);
comment on table public.wa_group_members is 'Who is in a group, and may what.';

create index wa_group_members_contact_id_idx on public.wa_group_members (contact_id);
create index wa_group_members_workspace_id_idx on public.wa_group_members (workspace_id);
create index wa_group_members_session_id_idx on public.wa_group_members (session_id);

create trigger before_update_stamp_updated_at
before update on public.wa_group_members
for each row execute function wa_private.stamp_updated_at();

alter table public.wa_chats enable row level security;
alter table public.wa_group_members enable row level security;
revoke all on table public.wa_chats, public.wa_group_members from anon, authenticated, service_role;
grant select on table public.wa_chats, public.wa_group_members to authenticated;
grant update (unread_count) on table public.wa_chats to authenticated;
grant select, insert, update, delete on table public.wa_chats, public.wa_group_members to service_role;

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

create policy "Members read who is in their workspace's groups"
on public.wa_group_members
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));
