-- Purpose: the linked number's keys, saved page by page and sealed by the connector: Postgres
-- never sees them in the clear.
-- Affects: wa_private.device_pages (new).

create table wa_private.device_pages (
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  page integer not null constraint device_pages_page_check check (page >= 0),
  generation bigint not null,
  key_id text not null,
  sealed bytea not null,
  saved_at timestamptz not null default now(),
  primary key (session_id, page)
);
comment on table wa_private.device_pages is 'Pages of a session''s WhatsApp store, each sealed by itself.';
comment on column wa_private.device_pages.generation is
'The save that wrote this page; a whole state is all pages up to its newest generation.';
comment on column wa_private.device_pages.key_id is 'Which WA_STATE_KEY sealed it.';

alter table wa_private.device_pages enable row level security;
revoke all on table wa_private.device_pages from anon, authenticated;
grant select, insert, update, delete on table wa_private.device_pages to service_role;
