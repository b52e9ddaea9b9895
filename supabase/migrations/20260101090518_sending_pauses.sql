-- Purpose: what stops a session's sending for a while, and what starts it again: a member, or WhatsApp's own limits
-- (docs/pacing.md).
-- Affects: wa_private.ring_outbox, may_act_for, pause_sending, pause_by_member, resume_by_member (new),
-- wa_pause_sending, wa_resume_sending (new), a trigger on public.wa_sessions (new).

create function wa_private.ring_outbox(p_session_id uuid)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  select realtime.send(jsonb_build_object('session_id', p_session_id), 'outbox_queued', 'wa:connectors', true);
$$;
comment on function wa_private.ring_outbox(uuid) is 'Lets the connector look at a session''s outbox at once.';

create function wa_private.may_act_for(p_workspace_id uuid)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  -- The role the caller acts in, not that of the function that asks: an app's server and its jobs are members of nothing.
  select current_setting('role') in ('service_role', 'postgres', 'none')
    or p_workspace_id in (select wa_private.my_workspace_ids());
$$;
comment on function wa_private.may_act_for(uuid) is
'For functions that are security definer: whether the caller is a member, or the app''s own server.';

create function wa_private.pause_sending(p_session_id uuid, p_scope text, p_seconds double precision, p_reason text)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  longest constant double precision := 30 * 86400;
  paused public.wa_sessions;
  pause_ends timestamptz;
begin
  if p_scope not in ('all', 'new_chats') or coalesce(p_seconds, 0) <= 0 then
    return;
  end if;
  pause_ends := now() + make_interval(secs => least(p_seconds, longest));
  select session.* into paused
  from public.wa_sessions as session
  where session.id = p_session_id
  for no key update;

  -- Forward only: what is refused meanwhile was under way before, and a person's pause is a person's to end.
  update public.wa_sessions as session
  set
    paused_until = case when p_scope = 'all' then pause_ends else session.paused_until end,
    pause_reason = case when p_scope = 'all' then p_reason else session.pause_reason end,
    new_chats_paused_until = case when p_scope = 'new_chats' then pause_ends else session.new_chats_paused_until end
  where session.id = p_session_id
    and pause_ends > coalesce(
      case p_scope when 'all' then session.paused_until else session.new_chats_paused_until end, '-infinity'
    );

  insert into public.wa_events (workspace_id, session_id, level, code, message, details)
  select
    paused.workspace_id, p_session_id, 'warning', p_reason,
    case p_scope
      when 'all' then 'WhatsApp limits this number: nothing is sent for a while, then it goes on by itself.'
      else 'WhatsApp limits this number: people who never wrote are not written to for a while; replies go on.'
    end,
    jsonb_build_object('scope', p_scope, 'until', pause_ends)
  where coalesce(case p_scope when 'all' then paused.paused_until else paused.new_chats_paused_until end, '-infinity')
    <= now();
end;
$$;
comment on function wa_private.pause_sending(uuid, text, double precision, text) is
'Pauses a session (p_scope: all, or new_chats: people who never wrote) for p_seconds, if that is longer than it is '
'paused already; p_reason is a code of docs/errors.md. One event a pause.';

-- security definer: members may not write these columns, since WhatsApp's own pauses are not theirs to invent.
create function wa_private.pause_by_member(p_session_id uuid, p_until timestamptz)
returns public.wa_sessions
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  paused public.wa_sessions;
begin
  if coalesce(p_until, '-infinity') <= now() then
    raise exception 'p_until must be in the future; leave it out to pause until somebody resumes.'
      using errcode = '22023';
  end if;
  update public.wa_sessions as session
  set
    paused_until = case
      when session.pause_reason = 'member' then p_until
      else greatest(session.paused_until, p_until)
    end,
    pause_reason = case
      when session.pause_reason <> 'member' and session.paused_until >= p_until then session.pause_reason
      else 'member'
    end
  where session.id = p_session_id
    and wa_private.may_act_for(session.workspace_id)
  returning session.* into paused;
  if not found then
    raise exception 'No session of yours has this id.' using errcode = '42501';
  end if;
  perform wa_private.ring_outbox(p_session_id);
  return paused;
end;
$$;
comment on function wa_private.pause_by_member(uuid, timestamptz) is 'See public.wa_pause_sending.';

-- security definer: as above.
create function wa_private.resume_by_member(p_session_id uuid)
returns public.wa_sessions
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  resumed public.wa_sessions;
begin
  perform from public.wa_sessions as session
  where session.id = p_session_id and wa_private.may_act_for(session.workspace_id)
  -- Locked before its rows, as take_turns does.
  for key share;
  if not found then
    raise exception 'No session of yours has this id.' using errcode = '42501';
  end if;
  -- What WhatsApp limited the number for waits by itself as well. Rows before their session, as the connector does.
  update public.wa_outbox as entry
  set retry_at = null
  where entry.session_id = p_session_id
    and entry.state = 'queued'
    and entry.retry_at is not null
    and entry.error_code in ('throttled', 'restricted', 'timelocked', 'new_chats_capped');
  update public.wa_sessions as session
  set paused_until = null, pause_reason = null, new_chats_paused_until = null
  where session.id = p_session_id
  returning session.* into resumed;
  perform wa_private.ring_outbox(p_session_id);
  return resumed;
end;
$$;
comment on function wa_private.resume_by_member(uuid) is 'See public.wa_resume_sending.';

create function public.wa_pause_sending(p_session_id uuid, p_until timestamptz default 'infinity')
returns public.wa_sessions
language sql
volatile
security invoker
set search_path = ''
as $$
  select wa_private.pause_by_member(p_session_id, p_until);
$$;
comment on function public.wa_pause_sending(uuid, timestamptz) is
'Sends nothing from this number until then, or until wa_resume_sending; what is queued waits. Returns the session.';

create function public.wa_resume_sending(p_session_id uuid)
returns public.wa_sessions
language sql
volatile
security invoker
set search_path = ''
as $$
  select wa_private.resume_by_member(p_session_id);
$$;
comment on function public.wa_resume_sending(uuid) is
'Ends every pause of this number''s sending, also those that WhatsApp''s limits made. Returns the session.';

-- security definer: members may not broadcast.
create function wa_private.announce_limits()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform wa_private.ring_outbox(new.id);
  return null;
end;
$$;
comment on function wa_private.announce_limits() is
'Trigger: a higher limit counts at once, not when the connector would have looked again.';

create trigger after_change_announce_limits
after update of send_gap_seconds, send_per_minute, send_per_day, send_new_per_day, warm_up_days on public.wa_sessions
for each row execute function wa_private.announce_limits();

revoke execute on function wa_private.ring_outbox(uuid) from public, anon, authenticated;
revoke execute on function wa_private.may_act_for(uuid) from public, anon, authenticated;
revoke execute on function wa_private.pause_sending(uuid, text, double precision, text)
from public, anon, authenticated;
revoke execute on function wa_private.announce_limits() from public, anon, authenticated;
revoke execute on function wa_private.pause_by_member(uuid, timestamptz) from public, anon, authenticated;
revoke execute on function wa_private.resume_by_member(uuid) from public, anon, authenticated;
revoke execute on function public.wa_pause_sending(uuid, timestamptz) from public, anon, authenticated;
revoke execute on function public.wa_resume_sending(uuid) from public, anon, authenticated;
grant execute on function wa_private.pause_sending(uuid, text, double precision, text) to service_role;
grant execute on function wa_private.pause_by_member(uuid, timestamptz) to authenticated, service_role;
grant execute on function wa_private.resume_by_member(uuid) to authenticated, service_role;
grant execute on function public.wa_pause_sending(uuid, timestamptz) to authenticated, service_role;
grant execute on function public.wa_resume_sending(uuid) to authenticated, service_role;
