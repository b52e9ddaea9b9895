-- Purpose: what is known of chats besides what is said in them: their names and settings.
-- Affects: wa_private.chat_facts (new).

create table wa_private.chat_facts (
  chat_id uuid not null references public.wa_chats (id) on delete cascade,
  name text not null,
  value jsonb not null,
  as_of timestamptz not null,
  from_history boolean not null,
  primary key (chat_id, name)
);
comment on table wa_private.chat_facts is
'The newest that was told of each column of a chat: news that is older and comes later does not undo it.';
comment on column wa_private.chat_facts.from_history is 'Counts only as long as nothing else was told.';

alter table wa_private.chat_facts enable row level security;
revoke all on table wa_private.chat_facts from anon, authenticated;
grant select, insert, update, delete on table wa_private.chat_facts to service_role;
