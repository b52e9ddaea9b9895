-- Purpose: which numbers are on WhatsApp: an app asks, the connector finds out, and both remember it for a week
-- (docs/people.md).
-- Affects: public.wa_number_checks (new), wa_check_numbers (new), publication supabase_realtime.
--
--   queued -> done     on_whatsapp says it; asked again after seven days: queued
--      |----> failed   error_code says why; asked again: queued

create table public.wa_number_checks (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.wa_workspaces (id) on delete cascade,
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  number text not null
  constraint wa_number_checks_number_check check (number ~ '^[1-9][0-9]{6,14}$'),
  state text not null default 'queued'
  constraint wa_number_checks_state_check check (state in ('queued', 'done', 'failed')),
  on_whatsapp boolean,
  jid text,
  phone_number text,
  business_name text,
  error_code text,
  error_message text,
  asked_at timestamptz not null default now(),
  checked_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint wa_number_checks_session_id_number_key unique (session_id, number)
);
comment on table public.wa_number_checks is
'Whether a number is on WhatsApp, as one linked number was told: asked by wa_check_numbers, or before a first message.';
comment on column public.wa_number_checks.number is 'As it was asked about: digits with country code.';
comment on column public.wa_number_checks.on_whatsapp is
'As of checked_at, also while it is asked again; null: not known.';
comment on column public.wa_number_checks.jid is 'Whose it is: a LID where WhatsApp tells it. May be sent to.';
comment on column public.wa_number_checks.phone_number is
'As WhatsApp writes it, with or without Brazil''s ninth digit; null when it is not on WhatsApp.';
comment on column public.wa_number_checks.business_name is 'What WhatsApp has verified their business to be called.';
comment on column public.wa_number_checks.error_code is 'Stable; docs/errors.md.';
comment on column public.wa_number_checks.error_message is 'The reason as a sentence a person can read.';
comment on column public.wa_number_checks.asked_at is 'When it was queued.';
comment on column public.wa_number_checks.checked_at is 'When WhatsApp answered; holds for seven days.';

create index wa_number_checks_workspace_id_idx on public.wa_number_checks (workspace_id);
create index wa_number_checks_queued_idx on public.wa_number_checks (session_id, asked_at)
where state = 'queued';

create trigger before_update_stamp_updated_at
before update on public.wa_number_checks
for each row execute function wa_private.stamp_updated_at();

alter table public.wa_number_checks enable row level security;
revoke all on table public.wa_number_checks from anon, authenticated, service_role;
grant select on table public.wa_number_checks to authenticated;
grant select, insert, update, delete on table public.wa_number_checks to service_role;

create policy "Members read their workspace's number checks"
on public.wa_number_checks
for select
to authenticated
using (workspace_id in (select wa_private.my_workspace_ids()));

alter publication supabase_realtime add table public.wa_number_checks;

create function wa_private.number_check_holds(p_checked_at timestamptz)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce(p_checked_at > now() - interval '7 days', false);
$$;
comment on function wa_private.number_check_holds(timestamptz) is 'Whether an answer is too recent to ask again.';

create function wa_private.on_whatsapp(p_session_id uuid, p_jid text)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select known.on_whatsapp
  from public.wa_number_checks as known
  where known.session_id = p_session_id
    and known.number = substring(p_jid from '^([0-9]+)@s\.whatsapp\.net$')
    and wa_private.number_check_holds(known.checked_at);
$$;
comment on function wa_private.on_whatsapp(uuid, text) is
'Whether the number of this phone address is on WhatsApp, as it was told within seven days; null: not known.';

create function wa_private.numbers_to_check(p_numbers text[])
returns text[]
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  most_numbers constant integer := 1000;
  longest_number constant integer := 100;
  digits text[];
begin
  if cardinality(p_numbers) > most_numbers then
    raise exception 'At most 1,000 numbers a call.' using errcode = '22023';
  end if;
  select
    array_agg(
      case
        when length(given.number) <= longest_number
          then substring(wa_private.recipient_jid(given.number) from '^([1-9][0-9]{6,14})@s\.whatsapp\.net$')
      end
      order by given.place
    )
  into digits
  from unnest(p_numbers) with ordinality as given (number, place);
  if array_position(digits, null) is not null then
    raise exception 'Number % of the list is no phone number with country code.', array_position(digits, null)
    using errcode = '22023', hint = 'Nothing was queued. The first number of the list is number 1.';
  end if;
  return coalesce(digits, '{}');
end;
$$;
comment on function wa_private.numbers_to_check(text[]) is
'The digits of numbers as people write them, in their order. Names the place of a malformed one and never quotes it.';

-- security definer: members may neither write checks nor broadcast.
create function wa_private.check_numbers(p_session_id uuid, p_numbers text[])
returns setof public.wa_number_checks
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  digits constant text[] := wa_private.numbers_to_check(p_numbers);
  owner uuid;
begin
  select session.workspace_id into owner
  from public.wa_sessions as session
  where session.id = p_session_id and wa_private.may_act_for(session.workspace_id)
  -- Locked before its checks, as take_turns does.
  for key share;
  if not found then
    raise exception 'No session of yours has this id.' using errcode = '42501';
  end if;

  insert into public.wa_number_checks as known (workspace_id, session_id, number)
  select owner, p_session_id, asked.number
  from (select distinct given.number from unnest(digits) as given (number)) as asked
  -- In one order, so that two who ask about the same numbers wait and do not deadlock.
  order by asked.number
  on conflict (session_id, number) do update
  set state = 'queued', asked_at = now(), error_code = null, error_message = null
  where known.state = 'failed'
    or (known.state = 'done' and not wa_private.number_check_holds(known.checked_at));
  if found then
    perform realtime.send(jsonb_build_object('session_id', p_session_id), 'numbers_queued', 'wa:connectors', true);
  end if;

  return query
  select known.*
  from public.wa_number_checks as known
  where known.session_id = p_session_id and known.number = any(digits)
  order by array_position(digits, known.number);
end;
$$;
comment on function wa_private.check_numbers(uuid, text[]) is 'See public.wa_check_numbers.';

create function public.wa_check_numbers(p_session_id uuid, p_numbers text[])
returns setof public.wa_number_checks
language sql
volatile
security invoker
set search_path = ''
as $$
  select * from wa_private.check_numbers(p_session_id, p_numbers);
$$;
comment on function public.wa_check_numbers(uuid, text[]) is
'Asks which of these numbers, at most 1,000, are on WhatsApp, and returns their rows in that order: what is known of '
'the last seven days at once, the rest queued. Watch wa_number_checks for the answers.';

revoke execute on function wa_private.number_check_holds(timestamptz) from public, anon, authenticated;
revoke execute on function wa_private.on_whatsapp(uuid, text) from public, anon, authenticated;
revoke execute on function wa_private.numbers_to_check(text[]) from public, anon, authenticated;
revoke execute on function wa_private.check_numbers(uuid, text[]) from public, anon, authenticated, service_role;
revoke execute on function public.wa_check_numbers(uuid, text[]) from public, anon, authenticated, service_role;
grant execute on function wa_private.number_check_holds(timestamptz) to service_role;
grant execute on function wa_private.on_whatsapp(uuid, text) to service_role;
grant execute on function wa_private.check_numbers(uuid, text[]) to authenticated, service_role;
grant execute on function public.wa_check_numbers(uuid, text[]) to authenticated, service_role;
