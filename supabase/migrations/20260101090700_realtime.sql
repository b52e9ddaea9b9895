-- Purpose: who is told what as it happens. Everything here only wakes: what is missed is
-- found by asking again.
-- Affects: publication supabase_realtime, policies on realtime.messages, triggers on
-- public.wa_sessions and public.wa_messages.
--
--   postgres_changes        rows, under row-level security: simplest, for small installations
--   wa:workspace:<id>       private broadcast, ids only: for busy inboxes
--   wa:connectors           private broadcast, ids only: the connectors' doorbell

-- Not receipts: each message in a group of a thousand brings a thousand, and its status says the best of them.
-- Not contacts and members either: a first look at a group brings them all at once.
alter publication supabase_realtime
add table public.wa_sessions, public.wa_chats, public.wa_messages, public.wa_attachments, public.wa_outbox,
public.wa_reactions, public.wa_poll_votes;

-- security definer: members may not broadcast.
create function wa_private.announce_session()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform realtime.send(
    jsonb_build_object('session_id', coalesce(new.id, old.id)), 'session_changed', 'wa:connectors', true
  );
  return null;
end;
$$;
comment on function wa_private.announce_session() is
'Trigger: rings the connectors'' doorbell when a session wants something else.';

create trigger after_change_announce
after insert or delete or update of desired_state on public.wa_sessions
for each row execute function wa_private.announce_session();

-- security definer: whoever inserts messages need not be allowed to broadcast.
create function wa_private.announce_messages()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  most_chats constant integer := 20;
begin
  perform realtime.send(
    jsonb_build_object(
      'session_id', news.session_id,
      'chat_id', case when news.chats <= most_chats then news.chat_id end,
      'message_id', case when news.chats <= most_chats then news.id end
    ),
    'message_stored',
    'wa:workspace:' || news.workspace_id,
    true
  )
  from (
    select
      newest.*,
      count(*) over (partition by newest.session_id) as chats,
      row_number() over (partition by newest.session_id) as place
    from (
      select distinct on (message.chat_id)
        message.id, message.workspace_id, message.session_id, message.chat_id
      from inserted as message
      order by message.chat_id, message.sent_at desc, message.seq desc
    ) as newest
  ) as news
  where news.chats <= most_chats or news.place = 1;
  return null;
end;
$$;
comment on function wa_private.announce_messages() is
'Trigger: tells a workspace''s topic the newest message of each chat a statement wrote to. A statement that '
'wrote to very many is one event without chat_id: read the list of chats anew.';

create trigger after_insert_announce
after insert on public.wa_messages
referencing new table as inserted
for each statement execute function wa_private.announce_messages();

revoke execute on function wa_private.announce_session() from public, anon, authenticated;
revoke execute on function wa_private.announce_messages() from public, anon, authenticated;

create policy "Members hear their workspace's broadcasts"
on realtime.messages
for select
to authenticated
using (
  extension = 'broadcast'
  and (select realtime.topic()) in (
    select 'wa:workspace:' || mine.workspace_id::text
    from wa_private.my_workspace_ids() as mine (workspace_id)
  )
);
