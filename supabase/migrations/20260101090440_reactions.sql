-- Purpose: reactions: one emoji a person and message, the latest.
-- Affects: public.wa_reactions, wa_private.keep_reactions, store_reactions, move_reactions (new).

-- Reactions may arrive before the message they are for, so they name it by WhatsApp's id.
create table public.wa_reactions (
  chat_id uuid not null references public.wa_chats (id) on delete cascade,
  whatsapp_id text not null,
  sender_jid text not null,
  session_id uuid not null,
  workspace_id uuid not null,
  sender_contact_id uuid references public.wa_contacts (id) on delete set null,
  from_me boolean not null default false,
  emoji text not null,
  reacted_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (chat_id, whatsapp_id, sender_jid)
);
comment on table public.wa_reactions is 'One emoji a person and message, the latest. Empty: taken back.';

create index wa_reactions_workspace_id_idx on public.wa_reactions (workspace_id);
create index wa_reactions_sender_contact_id_idx on public.wa_reactions (sender_contact_id);
-- Finds what has to follow when the person behind a phone address turns out to have a LID.
create index wa_reactions_phone_sender_idx on public.wa_reactions (session_id, sender_jid)
where sender_jid like '%@s.whatsapp.net';

create trigger before_update_stamp_updated_at
before update on public.wa_reactions
for each row execute function wa_private.stamp_updated_at();

alter table public.wa_reactions enable row level security;
revoke all on table public.wa_reactions from anon, authenticated, service_role;
grant select on table public.wa_reactions to authenticated;
grant select, insert, update, delete on table public.wa_reactions to service_role;

create policy "Members read their workspace's reactions"
on public.wa_reactions
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));

create function wa_private.keep_reactions(p_reactions public.wa_reactions[])
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  changed integer;
begin
  insert into public.wa_reactions as known
  select distinct on (given.chat_id, given.whatsapp_id, given.sender_jid) given.*
  from unnest(p_reactions) as given
  order by given.chat_id, given.whatsapp_id, given.sender_jid, given.reacted_at desc, given.emoji desc
  on conflict (chat_id, whatsapp_id, sender_jid) do update
  set
    emoji = excluded.emoji,
    reacted_at = excluded.reacted_at,
    sender_contact_id = coalesce(known.sender_contact_id, excluded.sender_contact_id)
  where (excluded.reacted_at, excluded.emoji) > (known.reacted_at, known.emoji);
  get diagnostics changed = row_count;
  return changed;
end;
$$;
comment on function wa_private.keep_reactions(public.wa_reactions[]) is
'Keeps the latest reaction of each person to each message.';

create function wa_private.store_reactions(
  p_session_id uuid, p_workspace_id uuid, p_reactions jsonb, p_addresses jsonb
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  reactions public.wa_reactions[];
begin
  select
    array_agg(row(
      (p_addresses -> given.chat_jid ->> 'chat')::uuid, given.whatsapp_id,
      p_addresses -> given.sender_jid ->> 'jid', p_session_id, p_workspace_id,
      case when not given.from_me then (p_addresses -> given.sender_jid ->> 'contact')::uuid end,
      given.from_me, given.emoji, given.reacted_at, now(), now()
    )::public.wa_reactions)
  into reactions
  from jsonb_to_recordset(p_reactions) as given (
    chat_jid text, whatsapp_id text, sender_jid text, from_me boolean, emoji text, reacted_at timestamptz
  );
  return wa_private.keep_reactions(reactions);
end;
$$;
comment on function wa_private.store_reactions(uuid, uuid, jsonb, jsonb) is
'Stores reactions as wa_store_batch describes them.';

create function wa_private.move_reactions(
  p_session_id uuid, p_phone_jid text, p_lid_jid text, p_from_chat_id uuid, p_into_chat_id uuid
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  moved public.wa_reactions[];
begin
  with taken as (
    delete from public.wa_reactions as reaction
    where reaction.chat_id = p_from_chat_id
      or (
        reaction.session_id = p_session_id
        and reaction.sender_jid = p_phone_jid and reaction.sender_jid like '%@s.whatsapp.net'
      )
    returning reaction.*
  )
  select
    array_agg(row(
      case when taken.chat_id = p_from_chat_id then p_into_chat_id else taken.chat_id end,
      taken.whatsapp_id,
      case when taken.sender_jid = p_phone_jid then p_lid_jid else taken.sender_jid end,
      taken.session_id, taken.workspace_id, taken.sender_contact_id, taken.from_me, taken.emoji, taken.reacted_at,
      taken.created_at, taken.updated_at
    )::public.wa_reactions)
  into moved
  from taken;
  perform wa_private.keep_reactions(moved);
end;
$$;
comment on function wa_private.move_reactions(uuid, text, text, uuid, uuid) is
'Lets reactions follow a person from the phone address to the LID, and from one chat to another.';

revoke execute on function wa_private.keep_reactions(public.wa_reactions[]) from public, anon, authenticated;
revoke execute on function wa_private.store_reactions(uuid, uuid, jsonb, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.move_reactions(uuid, text, text, uuid, uuid) from public, anon, authenticated;
grant execute on function wa_private.keep_reactions(public.wa_reactions[]) to service_role;
grant execute on function wa_private.store_reactions(uuid, uuid, jsonb, jsonb) to service_role;
grant execute on function wa_private.move_reactions(uuid, text, text, uuid, uuid) to service_role;
