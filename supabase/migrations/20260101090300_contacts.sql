-- Purpose: people, each under one identity although WhatsApp knows them by two addresses.
-- Affects: public.wa_contacts, wa_private.bound_labels, wa_private.contact_aliases (new).

create table public.wa_contacts (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.wa_workspaces (id) on delete cascade,
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  jid text not null,
  phone_number text,
  push_name text,
  saved_name text,
  business_name text,
  display_name text generated always as (
    coalesce(saved_name, business_name, push_name, '+' || phone_number)
  ) stored,
  avatar_path text,
  avatar_id text,
  avatar_checked_at timestamptz,
  on_whatsapp boolean,
  on_whatsapp_checked_at timestamptz,
  tags text[] not null default '{}',
  fields jsonb not null default '{}'
  constraint wa_contacts_fields_check check (jsonb_typeof(fields) = 'object'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint wa_contacts_session_id_jid_key unique (session_id, jid)
);
comment on table public.wa_contacts is 'One person, as one linked number knows them.';
comment on column public.wa_contacts.jid is 'The LID once it is known, before that the phone address.';
comment on column public.wa_contacts.phone_number is 'Digits with country code, as soon as it is known.';
comment on column public.wa_contacts.push_name is 'What the person calls themselves.';
comment on column public.wa_contacts.saved_name is 'What the phone''s address book calls them.';
comment on column public.wa_contacts.display_name is 'The best name there is.';
comment on column public.wa_contacts.business_name is 'What WhatsApp has verified their business to be called.';
comment on column public.wa_contacts.on_whatsapp is 'Whether the number has WhatsApp, as far as WhatsApp was asked.';
comment on column public.wa_contacts.avatar_path is 'In the bucket wa-media.';
comment on column public.wa_contacts.avatar_id is 'WhatsApp''s id of that picture; empty: the person has none.';
comment on column public.wa_contacts.avatar_checked_at is
'As of when the picture is known; null: it was never asked for.';
comment on column public.wa_contacts.tags is 'The app''s own labels.';
comment on column public.wa_contacts.fields is 'The app''s own values, for templates.';

create index wa_contacts_workspace_id_idx on public.wa_contacts (workspace_id);

create trigger before_update_stamp_updated_at
before update on public.wa_contacts
for each row execute function wa_private.stamp_updated_at();

create function wa_private.bound_labels()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if cardinality(new.tags) > 100 or exists (select from unnest(new.tags) as tag where length(tag) > 100) then
    raise exception 'tags: at most 100, each of at most 100 characters' using errcode = '22023';
  end if;
  if octet_length(new.fields::text) > 65536 then
    raise exception 'fields: at most 64 kB' using errcode = '22023',
    hint = 'Keep long texts in a table of your own that refers to the contact.';
  end if;
  return new;
end;
$$;
comment on function wa_private.bound_labels() is
'Trigger: every batch that touches the person would have to carry what a member puts there.';
revoke execute on function wa_private.bound_labels() from public, anon, authenticated;

-- Members only: joining two people may add up what both have.
create trigger before_update_bound_labels
before update of tags, fields on public.wa_contacts
for each row
when (current_user = 'authenticated')
execute function wa_private.bound_labels();

create table wa_private.contact_aliases (
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  phone_jid text not null,
  lid_jid text not null,
  spelling boolean not null default false,
  learned_at timestamptz not null default now(),
  primary key (session_id, phone_jid)
);
comment on table wa_private.contact_aliases is
'The phone address of a LID. A number that moves to another person gets another LID; the newest counts.';
comment on column wa_private.contact_aliases.spelling is
'Another way to write the number, such as with Brazil''s ninth digit: it leads to the person, and is never shown.';

create index contact_aliases_session_id_lid_jid_idx on wa_private.contact_aliases (session_id, lid_jid);

alter table public.wa_contacts enable row level security;
alter table wa_private.contact_aliases enable row level security;
revoke all on table public.wa_contacts from anon, authenticated, service_role;
revoke all on table wa_private.contact_aliases from anon, authenticated;
grant select on table public.wa_contacts to authenticated;
grant update (tags, fields) on table public.wa_contacts to authenticated;
grant select, insert, update, delete on table public.wa_contacts to service_role;
grant select, insert, update, delete on table wa_private.contact_aliases to service_role;

create policy "Members read their workspace's contacts"
on public.wa_contacts
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));

create policy "Members label their workspace's contacts"
on public.wa_contacts
for update
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()))
with check (workspace_id in (select wa_private.my_workspace_ids()));
