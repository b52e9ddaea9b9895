-- Purpose: tables that only the contract tests use, next to whatever else is there.
-- Run as postgres before a run; everything is made anew.

drop schema if exists contract_private cascade;
drop table if exists public.contract_notes, public.contract_folders cascade;

create schema contract_private;

create table public.contract_folders (
  id bigint generated always as identity primary key,
  name text not null unique,
  owner_id uuid default auth.uid()
);

create table public.contract_notes (
  id uuid primary key default gen_random_uuid(),
  folder_id bigint references public.contract_folders (id) on delete cascade,
  owner_id uuid default auth.uid(),
  title text not null check (length(title) <= 200),
  views bigint not null default 0,
  tags text[] not null default '{}',
  details jsonb not null default '{}',
  written_at timestamptz not null default now()
);
create index contract_notes_folder_id_idx on public.contract_notes (folder_id);
create index contract_notes_owner_id_idx on public.contract_notes (owner_id);

alter table public.contract_folders enable row level security;
alter table public.contract_notes enable row level security;
revoke all on public.contract_folders, public.contract_notes from anon, authenticated;
grant select, insert, update, delete on public.contract_folders, public.contract_notes to authenticated;

create policy "owners see their folders" on public.contract_folders
for select to authenticated using (owner_id = (select auth.uid()));
create policy "owners add folders" on public.contract_folders
for insert to authenticated with check (owner_id = (select auth.uid()));

create policy "owners see their notes" on public.contract_notes
for select to authenticated using (owner_id = (select auth.uid()));
create policy "owners write notes" on public.contract_notes
for insert to authenticated with check (owner_id = (select auth.uid()));
create policy "owners change their notes" on public.contract_notes
for update to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
create policy "owners delete their notes" on public.contract_notes
for delete to authenticated using (owner_id = (select auth.uid()));

alter publication supabase_realtime add table public.contract_notes;

-- Realtime: a table anyone may read in part, one that cannot be followed, and private channels.
drop table if exists public.contract_notices, public.contract_keyless cascade;

create table public.contract_notices (
  id bigint primary key,
  body text,
  price numeric,
  author text
);
alter table public.contract_notices disable row level security;
alter table public.contract_notices replica identity full;
revoke all on public.contract_notices from anon, authenticated;
grant select (id, body, price) on public.contract_notices to anon;

create table public.contract_keyless (body text);
grant select on public.contract_keyless to anon;

alter publication supabase_realtime add table public.contract_notices, public.contract_keyless;

create function contract_private.announce_notice() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform realtime.broadcast_changes(
    'notices', tg_op, tg_op, tg_table_name, tg_table_schema, new, old
  );
  return null;
end $$;
create trigger announce_notice after insert on public.contract_notices
for each row execute function contract_private.announce_notice();

drop policy if exists "contract: people hear their rooms" on realtime.messages;
drop policy if exists "contract: people speak in their rooms" on realtime.messages;
create policy "contract: people hear their rooms" on realtime.messages
for select to authenticated
using ((select realtime.topic()) in ('room:' || (select auth.uid()), 'hall:' || (select auth.uid())));
create policy "contract: people speak in their rooms" on realtime.messages
for insert to authenticated
with check ((select realtime.topic()) = 'room:' || (select auth.uid()));
