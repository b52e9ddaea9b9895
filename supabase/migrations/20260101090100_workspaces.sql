-- Purpose: workspaces, their members, and the helpers that row-level policies share.
-- Affects: public.wa_workspaces, public.wa_workspace_members (new), wa_create_workspace (new).

create table public.wa_workspaces (
  id uuid primary key default gen_random_uuid(),
  name text not null
  constraint wa_workspaces_name_check check (btrim(name) <> '' and length(name) <= 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.wa_workspaces is 'A tenant: the owner of sessions, chats and messages.';

create table public.wa_workspace_members (
  workspace_id uuid not null references public.wa_workspaces (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null default 'agent'
  constraint wa_workspace_members_role_check check (role in ('owner', 'admin', 'agent')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, user_id)
);
comment on table public.wa_workspace_members is 'Which users act for which workspace, and as what.';
comment on column public.wa_workspace_members.role is
'agent reads and writes conversations; admin also links numbers; owner also manages members.';

-- The primary key leads with workspace_id, so filtering on user_id needs its own index.
create index wa_workspace_members_user_id_idx on public.wa_workspace_members (user_id);

create trigger before_update_stamp_updated_at
before update on public.wa_workspaces
for each row execute function wa_private.stamp_updated_at();

create trigger before_update_stamp_updated_at
before update on public.wa_workspace_members
for each row execute function wa_private.stamp_updated_at();

-- security definer: reads memberships without recursing into their own policy.
create function wa_private.my_workspace_ids()
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
  select member.workspace_id
  from public.wa_workspace_members as member
  where member.user_id = (select auth.uid());
$$;
comment on function wa_private.my_workspace_ids() is 'Workspaces the calling user belongs to.';

-- security definer: as above.
create function wa_private.my_workspace_ids_as(p_roles text[])
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
  select member.workspace_id
  from public.wa_workspace_members as member
  where member.user_id = (select auth.uid())
    and member.role = any(p_roles);
$$;
comment on function wa_private.my_workspace_ids_as(text[]) is
'Workspaces where the calling user has one of these roles.';

revoke execute on function wa_private.my_workspace_ids() from public, anon, service_role;
revoke execute on function wa_private.my_workspace_ids_as(text[]) from public, anon, service_role;
grant execute on function wa_private.my_workspace_ids() to authenticated;
grant execute on function wa_private.my_workspace_ids_as(text[]) to authenticated;

alter table public.wa_workspaces enable row level security;
alter table public.wa_workspace_members enable row level security;

revoke all on table public.wa_workspaces, public.wa_workspace_members from anon, authenticated, service_role;
grant select on table public.wa_workspaces, public.wa_workspace_members to authenticated;
grant update (name) on table public.wa_workspaces to authenticated;
grant insert (workspace_id, user_id, role) on table public.wa_workspace_members to authenticated;
grant update (role) on table public.wa_workspace_members to authenticated;
grant delete on table public.wa_workspace_members to authenticated;
grant select, insert, update, delete on table public.wa_workspaces, public.wa_workspace_members to service_role;

create policy "Members read their workspaces"
on public.wa_workspaces
for select
to authenticated
using (id in (select wa_private.my_workspace_ids()));

create policy "Admins rename their workspaces"
on public.wa_workspaces
for update
to authenticated
using (id in (select wa_private.my_workspace_ids_as('{owner,admin}')))
with check (id in (select wa_private.my_workspace_ids_as('{owner,admin}')));

create policy "Members read who else is a member"
on public.wa_workspace_members
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));

create policy "Owners add members"
on public.wa_workspace_members
for insert
to authenticated
with check (workspace_id in (select wa_private.my_workspace_ids_as('{owner}')));

-- Nobody changes their own role, so a workspace always keeps an owner.
create policy "Owners change the role of others"
on public.wa_workspace_members
for update
to authenticated
using (
  workspace_id in (select wa_private.my_workspace_ids_as('{owner}'))
  and user_id <> (select auth.uid())
)
with check (
  workspace_id in (select wa_private.my_workspace_ids_as('{owner}'))
  and user_id <> (select auth.uid())
);

create policy "Owners remove others, and other members may leave"
on public.wa_workspace_members
for delete
to authenticated
using (
  (
    workspace_id in (select wa_private.my_workspace_ids_as('{owner}'))
    and user_id <> (select auth.uid())
  )
  or (
    user_id = (select auth.uid())
    and role <> 'owner'
  )
);

-- security definer: nobody may insert workspaces directly, and the first member of a
-- workspace could not pass "Owners add members".
create function wa_private.create_workspace(p_name text)
returns uuid
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  workspace_id uuid;
begin
  if auth.uid() is null then
    raise exception 'Sign in to create a workspace.' using errcode = '42501';
  end if;
  insert into public.wa_workspaces (name) values (btrim(p_name)) returning id into workspace_id;
  insert into public.wa_workspace_members (workspace_id, user_id, role)
  values (workspace_id, auth.uid(), 'owner');
  return workspace_id;
end;
$$;
comment on function wa_private.create_workspace(text) is 'See public.wa_create_workspace.';

create function public.wa_create_workspace(p_name text)
returns uuid
language sql
volatile
security invoker
set search_path = ''
as $$
  select wa_private.create_workspace(p_name);
$$;
comment on function public.wa_create_workspace(text) is
'Creates a workspace whose owner is the caller, and returns its id.';

revoke execute on function wa_private.create_workspace(text) from public, anon, authenticated, service_role;
revoke execute on function public.wa_create_workspace(text) from public, anon, authenticated, service_role;
grant execute on function wa_private.create_workspace(text) to authenticated;
grant execute on function public.wa_create_workspace(text) to authenticated;
