-- Purpose: the linked number's keys, saved page by page and sealed by the connector: Postgres never sees them in the
-- clear (docs/device-state.md).
-- Affects: wa_private.device_states, wa_private.device_pages (new).

create table wa_private.device_states (
  session_id uuid primary key references public.wa_sessions (id) on delete cascade,
  generation bigint not null default 0,
  term bigint not null default 0,
  page_count integer not null default 0 constraint device_states_page_count_check check (page_count >= 0),
  manifest bytea,
  key_id text generated always as (encode(substr(manifest, 2, 4), 'hex')) stored,
  saved_at timestamptz not null default now()
);
comment on table wa_private.device_states is
'The newest saved state of each session''s WhatsApp store. Rows are never deleted while the session exists: '
'generations that began again at 1 would let old pages through.';
comment on column wa_private.device_states.generation is 'Rises by one with every save, and when it is forgotten.';
comment on column wa_private.device_states.term is 'The lease term that saved it.';
comment on column wa_private.device_states.manifest is
'Sealed: vouches for every page of the state, and names the copy of the store that it was saved from. Null: nothing is '
'saved any more, because the number was logged out.';
comment on column wa_private.device_states.key_id is 'Which WA_STATE_KEY sealed the manifest and all of the pages.';

create table wa_private.device_pages (
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  page integer not null constraint device_pages_page_check check (page >= 0),
  generation bigint not null,
  sealed bytea not null,
  primary key (session_id, page, generation)
);
comment on table wa_private.device_pages is
'Pages of a session''s WhatsApp store, each sealed by itself. Those of a generation that is not the state''s yet '
'belong to a save under way, or to one that was given up.';
comment on column wa_private.device_pages.generation is 'The save that brought this page.';

-- Noise: compressing it takes time and gains nothing.
alter table wa_private.device_pages alter column sealed set storage external;

alter table wa_private.device_states enable row level security;
alter table wa_private.device_pages enable row level security;
revoke all on table wa_private.device_states, wa_private.device_pages from anon, authenticated;
grant select, insert, update, delete on table wa_private.device_states, wa_private.device_pages to service_role;
