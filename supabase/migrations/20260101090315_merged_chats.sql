-- Purpose: the ids of chats that were merged into others: an app may have kept one, and go on writing to it.
-- Affects: wa_private.merged_chats, remember_merge, surviving_chat (new).

create table wa_private.merged_chats (
  old_id uuid primary key,
  chat_id uuid not null references public.wa_chats (id) on delete cascade
);
comment on table wa_private.merged_chats is 'Where chats have gone that are no longer there.';

create index merged_chats_chat_id_idx on wa_private.merged_chats (chat_id);

alter table wa_private.merged_chats enable row level security;
revoke all on table wa_private.merged_chats from anon, authenticated;
grant select, insert, update, delete on table wa_private.merged_chats to service_role;

create function wa_private.remember_merge(p_old_id uuid, p_kept_id uuid)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update wa_private.merged_chats as earlier set chat_id = p_kept_id where earlier.chat_id = p_old_id;
  insert into wa_private.merged_chats (old_id, chat_id) values (p_old_id, p_kept_id);
$$;
comment on function wa_private.remember_merge(uuid, uuid) is
'Lets the id of a chat that goes lead to the one that stays, and so whatever led to it; before it is deleted.';

create function wa_private.surviving_chat(p_id uuid)
returns uuid
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce((select merged.chat_id from wa_private.merged_chats as merged where merged.old_id = p_id), p_id);
$$;
comment on function wa_private.surviving_chat(uuid) is
'The chat that an id leads to by now, whether there is one or not.';

revoke execute on function wa_private.remember_merge(uuid, uuid) from public, anon, authenticated;
revoke execute on function wa_private.surviving_chat(uuid) from public, anon, authenticated;
grant execute on function wa_private.remember_merge(uuid, uuid) to service_role;
grant execute on function wa_private.surviving_chat(uuid) to service_role;
