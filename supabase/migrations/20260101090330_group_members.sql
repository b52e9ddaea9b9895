-- Purpose: who is in a group.
-- Affects: public.wa_group_members, wa_private.member_facts, wa_private.rosters (new).

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
comment on table public.wa_group_members is 'Who is in a group at present, and may what.';

create index wa_group_members_contact_id_idx on public.wa_group_members (contact_id);
create index wa_group_members_workspace_id_idx on public.wa_group_members (workspace_id);
create index wa_group_members_session_id_idx on public.wa_group_members (session_id);

create trigger before_update_stamp_updated_at
before update on public.wa_group_members
for each row execute function wa_private.stamp_updated_at();

create table wa_private.member_facts (
  chat_id uuid not null references public.wa_chats (id) on delete cascade,
  contact_id uuid not null references public.wa_contacts (id) on delete cascade,
  role text
  constraint member_facts_role_check check (role in ('member', 'admin', 'superadmin')),
  as_of timestamptz not null,
  primary key (chat_id, contact_id)
);
comment on table wa_private.member_facts is
'The newest that is known of each person in a group, also that they left: news that is older and comes later does '
'not bring them back.';
comment on column wa_private.member_facts.role is 'Null: no longer in the group.';

create index member_facts_contact_id_idx on wa_private.member_facts (contact_id);

create table wa_private.rosters (
  chat_id uuid primary key references public.wa_chats (id) on delete cascade,
  as_of timestamptz not null
);
comment on table wa_private.rosters is
'When everybody in a group was last told: whoever was not listed then, and is not in later news, is not in it.';

alter table public.wa_group_members enable row level security;
alter table wa_private.member_facts enable row level security;
alter table wa_private.rosters enable row level security;
revoke all on table public.wa_group_members from anon, authenticated, service_role;
revoke all on table wa_private.member_facts, wa_private.rosters from anon, authenticated;
grant select on table public.wa_group_members to authenticated;
grant select, insert, update, delete
on table public.wa_group_members, wa_private.member_facts, wa_private.rosters
to service_role;

create policy "Members read who is in their workspace's groups"
on public.wa_group_members
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));
