-- Purpose: votes in polls: one choice a person and poll, the latest.
-- Affects: public.wa_poll_votes, wa_poll_results, wa_private.keep_votes, store_votes, move_votes (new).

-- Votes may arrive before their poll, so they name it by WhatsApp's id.
create table public.wa_poll_votes (
  chat_id uuid not null references public.wa_chats (id) on delete cascade,
  whatsapp_id text not null,
  voter_jid text not null,
  session_id uuid not null,
  workspace_id uuid not null,
  voter_contact_id uuid references public.wa_contacts (id) on delete set null,
  from_me boolean not null default false,
  options text[],
  voted_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (chat_id, whatsapp_id, voter_jid)
);
comment on table public.wa_poll_votes is 'One choice a person and poll, the latest; counted in wa_poll_results.';
comment on column public.wa_poll_votes.options is
'Hex SHA-256 of each chosen option''s text. Empty: taken back; null: a vote that could not be decrypted.';

create index wa_poll_votes_workspace_id_idx on public.wa_poll_votes (workspace_id);
create index wa_poll_votes_voter_contact_id_idx on public.wa_poll_votes (voter_contact_id);
-- Finds what has to follow when the person behind a phone address turns out to have a LID.
create index wa_poll_votes_phone_voter_idx on public.wa_poll_votes (session_id, voter_jid)
where voter_jid like '%@s.whatsapp.net';

create trigger before_update_stamp_updated_at
before update on public.wa_poll_votes
for each row execute function wa_private.stamp_updated_at();

alter table public.wa_poll_votes enable row level security;
revoke all on table public.wa_poll_votes from anon, authenticated, service_role;
grant select on table public.wa_poll_votes to authenticated;
grant select, insert, update, delete on table public.wa_poll_votes to service_role;

create policy "Members read their workspace's votes"
on public.wa_poll_votes
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));

create view public.wa_poll_results
with (security_invoker = true)
as
select
  poll.id as message_id,
  poll.workspace_id,
  poll.session_id,
  poll.chat_id,
  option.place::integer as place,
  option.text as option,
  count(vote.voter_jid)::integer as votes,
  coalesce(
    array_agg(vote.voter_jid order by vote.voted_at, vote.voter_jid) filter (where vote.voter_jid is not null), '{}'
  ) as voters
from public.wa_messages as poll
cross join lateral jsonb_array_elements_text(
  case when jsonb_typeof(poll.content -> 'options') = 'array' then poll.content -> 'options' else '[]' end
) with ordinality as option (text, place)
left join public.wa_poll_votes as vote
  on poll.chat_id = vote.chat_id
  and poll.whatsapp_id = vote.whatsapp_id
  and vote.options @> array[encode(sha256(convert_to(option.text, 'UTF8')), 'hex')]
where poll.kind = 'poll'
group by poll.id, option.place, option.text;
comment on view public.wa_poll_results is
'How often each option of a poll was chosen, and by whom, in the poll''s own order: filter by message_id.';
comment on column public.wa_poll_results.voters is 'Addresses, as in wa_poll_votes.';

revoke all on table public.wa_poll_results from anon, authenticated, service_role;
grant select on table public.wa_poll_results to authenticated, service_role;

create function wa_private.keep_votes(p_votes public.wa_poll_votes[])
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  changed integer;
begin
  insert into public.wa_poll_votes as known
  select distinct on (given.chat_id, given.whatsapp_id, given.voter_jid) given.*
  from unnest(p_votes) as given
  order by given.chat_id, given.whatsapp_id, given.voter_jid, given.voted_at desc,
    given.options desc nulls last
  on conflict (chat_id, whatsapp_id, voter_jid) do update
  set
    options = excluded.options,
    voted_at = excluded.voted_at,
    voter_contact_id = coalesce(known.voter_contact_id, excluded.voter_contact_id)
  where excluded.voted_at > known.voted_at
    or (
      -- The same vote again, which now can be read.
      excluded.voted_at = known.voted_at
      and (known.options is null or excluded.options > known.options) and excluded.options is not null
    );
  get diagnostics changed = row_count;
  return changed;
end;
$$;
comment on function wa_private.keep_votes(public.wa_poll_votes[]) is
'Keeps the latest vote of each person in each poll.';

create function wa_private.store_votes(
  p_session_id uuid, p_workspace_id uuid, p_votes jsonb, p_addresses jsonb
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  votes public.wa_poll_votes[];
begin
  select
    array_agg(row(
      (p_addresses -> given.chat_jid ->> 'chat')::uuid, given.whatsapp_id,
      p_addresses -> given.voter_jid ->> 'jid', p_session_id, p_workspace_id,
      case when not given.from_me then (p_addresses -> given.voter_jid ->> 'contact')::uuid end,
      given.from_me, given.options, given.voted_at, now(), now()
    )::public.wa_poll_votes)
  into votes
  from jsonb_to_recordset(p_votes) as given (
    chat_jid text, whatsapp_id text, voter_jid text, from_me boolean, options text[], voted_at timestamptz
  );
  return wa_private.keep_votes(votes);
end;
$$;
comment on function wa_private.store_votes(uuid, uuid, jsonb, jsonb) is
'Stores votes as wa_store_batch describes them.';

create function wa_private.move_votes(
  p_session_id uuid, p_phone_jid text, p_lid_jid text, p_from_chat_id uuid, p_into_chat_id uuid
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  moved public.wa_poll_votes[];
begin
  with taken as (
    delete from public.wa_poll_votes as vote
    where vote.chat_id = p_from_chat_id
      or (
        vote.session_id = p_session_id
        and vote.voter_jid = p_phone_jid and vote.voter_jid like '%@s.whatsapp.net'
      )
    returning vote.*
  )
  select
    array_agg(row(
      case when taken.chat_id = p_from_chat_id then p_into_chat_id else taken.chat_id end,
      taken.whatsapp_id,
      case when taken.voter_jid = p_phone_jid then p_lid_jid else taken.voter_jid end,
      taken.session_id, taken.workspace_id, taken.voter_contact_id, taken.from_me, taken.options, taken.voted_at,
      taken.created_at, taken.updated_at
    )::public.wa_poll_votes)
  into moved
  from taken;
  perform wa_private.keep_votes(moved);
end;
$$;
comment on function wa_private.move_votes(uuid, text, text, uuid, uuid) is
'Lets votes follow a person from the phone address to the LID, and from one chat to another.';

revoke execute on function wa_private.keep_votes(public.wa_poll_votes[]) from public, anon, authenticated;
revoke execute on function wa_private.store_votes(uuid, uuid, jsonb, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.move_votes(uuid, text, text, uuid, uuid) from public, anon, authenticated;
grant execute on function wa_private.keep_votes(public.wa_poll_votes[]) to service_role;
grant execute on function wa_private.store_votes(uuid, uuid, jsonb, jsonb) to service_role;
grant execute on function wa_private.move_votes(uuid, text, text, uuid, uuid) to service_role;
