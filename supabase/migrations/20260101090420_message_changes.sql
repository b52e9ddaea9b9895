-- Purpose: edits and deletions. They may come before their message, twice, or in any order, and from
-- anybody: each is kept for itself, and counts for the message it names once both are there.
-- Affects: wa_private.message_changes, keep_changes, store_edits, store_revokes, move_changes (new).

create table wa_private.message_changes (
  chat_id uuid not null references public.wa_chats (id) on delete cascade,
  whatsapp_id text not null,
  change text not null
  constraint message_changes_change_check check (change in ('edit', 'revoke')),
  change_id text not null,
  from_me boolean not null,
  done_by_jid text not null,
  by_admin boolean not null,
  session_id uuid not null,
  body text,
  content jsonb not null default '{}',
  mentions text[] not null default '{}',
  changed_at timestamptz not null,
  -- Whoever uses somebody else's id for an edit of their own must not stand in its way.
  primary key (chat_id, whatsapp_id, change, change_id, from_me, done_by_jid, by_admin)
);
comment on table wa_private.message_changes is
'What people did to messages, as WhatsApp delivered it; whether they may is decided when it is applied.';
comment on column wa_private.message_changes.change_id is 'WhatsApp''s id of an edit; empty for a deletion.';
comment on column wa_private.message_changes.from_me is 'The message is ours.';
comment on column wa_private.message_changes.done_by_jid is 'Empty for edits of our own.';
comment on column wa_private.message_changes.by_admin is 'WhatsApp has checked that an admin did it.';

create index message_changes_phone_idx on wa_private.message_changes (session_id, done_by_jid)
where done_by_jid like '%@s.whatsapp.net';

alter table wa_private.message_changes enable row level security;
revoke all on table wa_private.message_changes from anon, authenticated;
grant select, insert, update, delete on table wa_private.message_changes to service_role;

create function wa_private.keep_changes(p_changes wa_private.message_changes[])
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  changed integer;
begin
  insert into wa_private.message_changes as known
  select distinct on (
      given.chat_id, given.whatsapp_id, given.change, given.change_id, given.from_me, given.done_by_jid, given.by_admin
    )
    given.*
  from unnest(p_changes) as given
  order by
    given.chat_id, given.whatsapp_id, given.change, given.change_id, given.from_me, given.done_by_jid,
    given.by_admin, given.changed_at desc, coalesce(given.body, '') desc, given.content desc, given.mentions desc
  on conflict (chat_id, whatsapp_id, change, change_id, from_me, done_by_jid, by_admin) do update
  set body = excluded.body, content = excluded.content, mentions = excluded.mentions, changed_at = excluded.changed_at
  where (excluded.changed_at, coalesce(excluded.body, ''), excluded.content, excluded.mentions)
    > (known.changed_at, coalesce(known.body, ''), known.content, known.mentions);
  get diagnostics changed = row_count;
  return changed;
end;
$$;
comment on function wa_private.keep_changes(wa_private.message_changes[]) is
'Keeps each change once, whatever its repetitions say.';

create function wa_private.store_edits(p_session_id uuid, p_edits jsonb, p_addresses jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  edits wa_private.message_changes[];
begin
  select
    array_agg(row(
      (p_addresses -> given.chat_jid ->> 'chat')::uuid, given.whatsapp_id, 'edit', given.edit_id, given.from_me,
      case when given.from_me then '' else coalesce(p_addresses -> given.sender_jid ->> 'jid', '') end, false,
      p_session_id, given.body, coalesce(given.content, '{}'), coalesce(given.mentions, '{}'), given.edited_at
    )::wa_private.message_changes)
  into edits
  from jsonb_to_recordset(p_edits) as given (
    chat_jid text, whatsapp_id text, from_me boolean, sender_jid text, edit_id text, body text, content jsonb,
    mentions text[], edited_at timestamptz
  );
  return wa_private.keep_changes(edits);
end;
$$;
comment on function wa_private.store_edits(uuid, jsonb, jsonb) is 'Keeps edits as wa_store_batch describes them.';

create function wa_private.store_revokes(p_session_id uuid, p_revokes jsonb, p_addresses jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  revokes wa_private.message_changes[];
begin
  select
    array_agg(row(
      (p_addresses -> given.chat_jid ->> 'chat')::uuid, given.whatsapp_id, 'revoke', '', given.from_me,
      coalesce(p_addresses -> given.revoked_by_jid ->> 'jid', ''), coalesce(given.by_admin, false),
      p_session_id, null, '{}'::jsonb, '{}'::text[], given.revoked_at
    )::wa_private.message_changes)
  into revokes
  from jsonb_to_recordset(p_revokes) as given (
    chat_jid text, whatsapp_id text, from_me boolean, revoked_by_jid text, by_admin boolean, revoked_at timestamptz
  );
  return wa_private.keep_changes(revokes);
end;
$$;
comment on function wa_private.store_revokes(uuid, jsonb, jsonb) is
'Keeps deletions as wa_store_batch describes them.';

create function wa_private.move_changes(
  p_session_id uuid, p_phone_jid text, p_lid_jid text, p_from_chat_id uuid, p_into_chat_id uuid
)
returns wa_private.message_changes[]
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  moved wa_private.message_changes[];
begin
  with taken as (
    delete from wa_private.message_changes as change
    where change.chat_id = p_from_chat_id
      or (
        change.session_id = p_session_id
        and change.done_by_jid = p_phone_jid and change.done_by_jid like '%@s.whatsapp.net'
      )
    returning change.*
  )
  select
    array_agg(row(
      case when taken.chat_id = p_from_chat_id then p_into_chat_id else taken.chat_id end,
      taken.whatsapp_id, taken.change, taken.change_id, taken.from_me,
      case when taken.done_by_jid = p_phone_jid then p_lid_jid else taken.done_by_jid end,
      taken.by_admin, taken.session_id, taken.body, taken.content, taken.mentions, taken.changed_at
    )::wa_private.message_changes)
  into moved
  from taken;
  perform wa_private.keep_changes(moved);
  return moved;
end;
$$;
comment on function wa_private.move_changes(uuid, text, text, uuid, uuid) is
'Lets changes follow a person from the phone address to the LID, and from one chat to another; returns them.';

revoke execute on function wa_private.keep_changes(wa_private.message_changes[]) from public, anon, authenticated;
revoke execute on function wa_private.store_edits(uuid, jsonb, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.store_revokes(uuid, jsonb, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.move_changes(uuid, text, text, uuid, uuid) from public, anon, authenticated;
grant execute on function wa_private.keep_changes(wa_private.message_changes[]) to service_role;
grant execute on function wa_private.store_edits(uuid, jsonb, jsonb) to service_role;
grant execute on function wa_private.store_revokes(uuid, jsonb, jsonb) to service_role;
grant execute on function wa_private.move_changes(uuid, text, text, uuid, uuid) to service_role;
