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
