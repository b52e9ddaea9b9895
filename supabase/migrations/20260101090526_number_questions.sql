-- Purpose: which numbers the connector asks WhatsApp about next, and what it was told.
-- Affects: wa_private.number_questions, wa_sessions.number_checks_paused_until, wa_next_number_checks,
-- wa_record_number_checks, wa_pause_number_checks (new).

alter table public.wa_sessions add column number_checks_paused_until timestamptz;
comment on column public.wa_sessions.number_checks_paused_until is
'WhatsApp was asked about too many numbers, or did not answer: nothing queued in wa_number_checks is asked before.';

create table wa_private.number_questions (
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  number text not null,
  asked_at timestamptz not null default now(),
  tries integer not null default 1,
  primary key (session_id, number)
);
comment on table wa_private.number_questions is
'Which numbers WhatsApp was asked about, and when last: what is on its way is not handed out again at once, and no '
'session asks about too many a day.';
comment on column wa_private.number_questions.tries is 'How often it was handed out since it was last answered.';

create index number_questions_session_id_asked_at_idx on wa_private.number_questions (session_id, asked_at);

alter table wa_private.number_questions enable row level security;
revoke all on table wa_private.number_questions from anon, authenticated;
grant select, insert, update, delete on table wa_private.number_questions to service_role;

create function public.wa_next_number_checks(p_session_id uuid, p_term bigint, p_limit integer)
returns table (number text)
language plpgsql
volatile
security invoker
set search_path = ''
-- Its plans are made while the tables are still empty, and kept.
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  most_at_once constant integer := 50;
  most_a_day constant integer := 2000;
  asked_today integer;
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  -- A number that WhatsApp has restricted asks about nobody either.
  if exists (
    select from public.wa_sessions as session
    where session.id = p_session_id
      and (
        greatest(session.number_checks_paused_until, session.new_chats_paused_until) > now()
        or (session.paused_until > now() and session.pause_reason <> 'member')
      )
  ) then
    return;
  end if;
  perform wa_private.take_turns(p_session_id);
  select count(*) into asked_today
  from wa_private.number_questions as question
  where question.session_id = p_session_id and question.asked_at > now() - interval '24 hours';

  return query
  insert into wa_private.number_questions as question (session_id, number)
  select p_session_id, next.number
  from (
    select entry.number
    from public.wa_number_checks as entry
    left join wa_private.number_questions as handed_out
      on handed_out.session_id = entry.session_id and handed_out.number = entry.number and handed_out.tries > 0
    where entry.session_id = p_session_id
      and entry.state = 'queued'
      -- Whose answer never came is asked about after 2 minutes, 4, 8, … a day.
      and (
        handed_out.asked_at is null
        or handed_out.asked_at
        < now() - least(interval '1 minute' * (1 << least(handed_out.tries, 11)), interval '1 day')
      )
    -- What nobody answered lets the others go first.
    order by coalesce(handed_out.tries, 0), entry.asked_at, entry.number
    limit greatest(least(p_limit, most_at_once, most_a_day - asked_today), 0)
  ) as next
  on conflict (session_id, number) do update
  set asked_at = now(), tries = question.tries + 1
  returning question.number;
end;
$$;
comment on function public.wa_next_number_checks(uuid, bigint, integer) is
'Numbers to ask WhatsApp about now, at most 50, longest waiting first; each is not returned again for a while. None '
'while WhatsApp has paused checks, sends or new chats, nor beyond 2,000 numbers in 24 hours. Raises ZB001 when the '
'term is stale.';

create function public.wa_record_number_checks(p_session_id uuid, p_term bigint, p_answers jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  tenant uuid;
  recorded integer;
begin
  select lease.workspace_id into tenant from wa_private.hold_lease(p_session_id, p_term, null) as lease;
  -- What is handed out and what is answered are written in different orders.
  perform wa_private.take_turns(p_session_id);

  insert into wa_private.number_questions as question (session_id, number, tries)
  select distinct p_session_id, given.number, 0
  from jsonb_to_recordset(p_answers) as given (number text)
  order by given.number
  on conflict (session_id, number) do update
  set tries = 0, asked_at = case when question.tries = 0 then now() else question.asked_at end;

  insert into public.wa_number_checks as known (
    workspace_id, session_id, number, state, on_whatsapp, jid, phone_number, business_name, error_code,
    error_message, checked_at
  )
  select
    tenant, p_session_id, given.number, case when given.error_code is null then 'done' else 'failed' end,
    given.on_whatsapp, given.jid, given.phone_number, given.business_name, given.error_code, given.error_message,
    case when given.error_code is null then now() end
  from (
    select distinct on (answer.number) answer.*
    from jsonb_to_recordset(p_answers) as answer (
      number text, on_whatsapp boolean, jid text, phone_number text, business_name text, error_code text,
      error_message text
    )
    order by answer.number
  ) as given
  order by given.number
  on conflict (session_id, number) do update
  set
    state = excluded.state,
    on_whatsapp = excluded.on_whatsapp,
    jid = excluded.jid,
    phone_number = excluded.phone_number,
    business_name = excluded.business_name,
    error_code = excluded.error_code,
    error_message = excluded.error_message,
    checked_at = excluded.checked_at
  -- That somebody else's question was not answered takes nothing back.
  where excluded.error_code is null or not wa_private.number_check_holds(known.checked_at);
  get diagnostics recorded = row_count;
  return recorded;
end;
$$;
comment on function public.wa_record_number_checks(uuid, bigint, jsonb) is
'What WhatsApp answered: [{number, on_whatsapp, jid, phone_number, business_name, error_code, error_message}], whether '
'an app asked or not. Returns how many. Raises ZB001 when the term is stale.';

create function public.wa_pause_number_checks(p_session_id uuid, p_term bigint, p_seconds double precision)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  update public.wa_sessions as session
  set number_checks_paused_until = greatest(
    session.number_checks_paused_until, now() + make_interval(secs => p_seconds)
  )
  where session.id = p_session_id;
end;
$$;
comment on function public.wa_pause_number_checks(uuid, bigint, double precision) is
'Lets nothing be asked about numbers for so long. Raises ZB001 when the term is stale.';

revoke execute on function public.wa_next_number_checks(uuid, bigint, integer) from public, anon, authenticated;
revoke execute on function public.wa_record_number_checks(uuid, bigint, jsonb) from public, anon, authenticated;
revoke execute on function public.wa_pause_number_checks(uuid, bigint, double precision)
from public, anon, authenticated;
grant execute on function public.wa_next_number_checks(uuid, bigint, integer) to service_role;
grant execute on function public.wa_record_number_checks(uuid, bigint, jsonb) to service_role;
grant execute on function public.wa_pause_number_checks(uuid, bigint, double precision) to service_role;
