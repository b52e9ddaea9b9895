-- Purpose: what WhatsApp has to be asked about people and groups, and when it was.
-- Affects: wa_private.look_ups, wa_private.store_stale, end_look_up, move_look_ups (new).

create table wa_private.look_ups (
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  jid text not null,
  aspect text not null
  constraint look_ups_aspect_check check (aspect in ('group', 'picture')),
  asked_at timestamptz,
  tries integer not null default 0,
  stale_at timestamptz,
  primary key (session_id, jid, aspect)
);
comment on table wa_private.look_ups is
'Questions on their way, and answers that went out of date. What the last answer answered is said where it is kept: '
'refreshed_at, avatar_checked_at.';
comment on column wa_private.look_ups.asked_at is
'Not again for a while, whatever becomes of the question; longer after each of the tries.';
comment on column wa_private.look_ups.stale_at is 'What was asked before is out of date.';

alter table wa_private.look_ups enable row level security;
revoke all on table wa_private.look_ups from anon, authenticated;
grant select, insert, update, delete on table wa_private.look_ups to service_role;

create function wa_private.store_stale(p_session_id uuid, p_workspace_id uuid, p_items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  -- WhatsApp's times are cut to whole seconds: rather ask once too often.
  cut_off constant interval := '1 second';
  noted integer;
begin
  -- Never later than now: nothing would be new enough ever to answer it, and WhatsApp be asked without end.
  -- Chats are not touched: they are locked in an order that these are not in.
  insert into wa_private.look_ups as look_up (session_id, jid, aspect, stale_at)
  select p_session_id, stale.jid, stale.aspect, least(stale.as_of + cut_off, now())
  from (
    select coalesce(alias.lid_jid, given.jid) as jid, given.aspect, max(given.as_of) as as_of
    from jsonb_to_recordset(p_items) as given (jid text, aspect text, as_of timestamptz)
    left join wa_private.contact_aliases as alias
      on alias.session_id = p_session_id and alias.phone_jid = given.jid
    where given.aspect in ('group', 'picture') and given.as_of is not null
    group by 1, given.aspect
  ) as stale
  -- Of whom nothing is known, nothing is out of date. But a group's list of members may be on its way, older than this.
  where stale.jid like '%@g.us'
    or exists (
      select from public.wa_contacts as contact
      where contact.session_id = p_session_id and contact.jid = stale.jid
    )
  order by stale.jid, stale.aspect
  on conflict (session_id, jid, aspect) do update
  set stale_at = excluded.stale_at
  where coalesce(look_up.stale_at, '-infinity') < excluded.stale_at;
  get diagnostics noted = row_count;
  return noted;
end;
$$;
comment on function wa_private.store_stale(uuid, uuid, jsonb) is
'Stores stale as wa_store_batch describes it: the answers to what was asked before are out of date.';

revoke execute on function wa_private.store_stale(uuid, uuid, jsonb) from public, anon, authenticated;
grant execute on function wa_private.store_stale(uuid, uuid, jsonb) to service_role;

create function wa_private.end_look_up(p_session_id uuid, p_jids text[], p_aspect text, p_asked_at timestamptz)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  delete from wa_private.look_ups as look_up
  where look_up.session_id = p_session_id
    and look_up.jid = any(p_jids)
    and look_up.aspect = p_aspect
    and coalesce(look_up.stale_at, '-infinity') <= p_asked_at;
  -- What went out of date meanwhile is asked again at once.
  update wa_private.look_ups as look_up
  set asked_at = null, tries = 0
  where look_up.session_id = p_session_id
    and look_up.jid = any(p_jids)
    and look_up.aspect = p_aspect;
end;
$$;
comment on function wa_private.end_look_up(uuid, text[], text, timestamptz) is
'What was asked then has been answered. After the chat or contact is written: that order of locks knows no deadlocks.';
revoke execute on function wa_private.end_look_up(uuid, text[], text, timestamptz) from public, anon, authenticated;
grant execute on function wa_private.end_look_up(uuid, text[], text, timestamptz) to service_role;

create function wa_private.move_look_ups(p_session_id uuid, p_phone_jid text, p_lid_jid text)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  with taken as (
    delete from wa_private.look_ups as look_up
    where look_up.session_id = p_session_id and look_up.jid = p_phone_jid
    returning look_up.aspect, look_up.stale_at
  )
  insert into wa_private.look_ups as look_up (session_id, jid, aspect, stale_at)
  select p_session_id, p_lid_jid, taken.aspect, taken.stale_at
  from taken
  where taken.stale_at is not null
  on conflict (session_id, jid, aspect) do update
  set stale_at = greatest(look_up.stale_at, excluded.stale_at);
$$;
comment on function wa_private.move_look_ups(uuid, text, text) is
'Lets what went out of date follow a person from the phone address to the LID.';
revoke execute on function wa_private.move_look_ups(uuid, text, text) from public, anon, authenticated;
grant execute on function wa_private.move_look_ups(uuid, text, text) to service_role;
