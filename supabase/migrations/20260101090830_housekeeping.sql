-- Purpose: housekeeping as one call, for connectors and for pg_cron (docs/housekeeping.md), and what a connector asks
-- before it throws away what it keeps of a session.
-- Affects: wa_private.project, wa_housekeeping, wa_known_sessions (new).

create function public.wa_housekeeping(p_limit integer default 1000)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  -- Each deletes or ends at most as many rows as it is told, waits for no lock, and returns how many.
  steps constant text[] := array[
    'end_overdue_outbox', 'forget_codes', 'flag_idle_sessions', 'forget_events', 'forget_outbox',
    'forget_uploads_everywhere', 'forget_sends', 'forget_number_questions', 'walk_receipts', 'walk_message_changes',
    'walk_number_checks'
  ];
  most constant integer := least(greatest(coalesce(p_limit, 1000), 1), 10000);
  left_to_do integer := most;
  figures jsonb := '{}';
  step text;
  done integer;
begin
  -- Two at once would do nothing that one does not.
  if not pg_try_advisory_xact_lock(hashtextextended('zapbase housekeeping', 0)) then
    return '{"more": false, "busy": true, "done": {}}';
  end if;
  foreach step in array steps loop
    exit when left_to_do <= 0;
    execute format('select wa_private.%I($1)', step) into done using left_to_do;
    if done > 0 then
      figures := figures || jsonb_build_object(step, done);
    end if;
    left_to_do := left_to_do - done;
  end loop;
  return jsonb_build_object(
    'done', figures,
    'busy', false,
    'more', left_to_do <= 0 or exists (
      select from wa_private.housekeeping_walks as walk
      -- Files are for the connector to remove: wa_orphaned_files.
      where walk.reached is not null and walk.name <> 'files'
    )
  );
end;
$$;
comment on function public.wa_housekeeping(integer) is
'Throws away what is past its time, at most about p_limit rows (10,000 at most) in one short transaction: {done, busy, '
'more}. done: how many rows by step; busy: somebody else is at it, nothing was done; more: call it again.';

create table wa_private.project (
  id uuid primary key default gen_random_uuid(),
  is_only boolean not null default true unique constraint project_is_only_check check (is_only)
);
comment on table wa_private.project is
'One row: what this database is told from others by. A connector that was pointed elsewhere must not take sessions for '
'deleted.';
insert into wa_private.project default values;

alter table wa_private.project enable row level security;
revoke all on table wa_private.project from anon, authenticated;
grant select, insert, update, delete on table wa_private.project to service_role;

create function public.wa_known_sessions(p_ids uuid[])
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'project', (select project.id from wa_private.project),
    'known', coalesce(
      (select jsonb_agg(session.id) from public.wa_sessions as session where session.id = any(p_ids)), '[]'
    )
  );
$$;
comment on function public.wa_known_sessions(uuid[]) is
'{project, known}: which database this is, and which of these sessions it has.';

revoke execute on function public.wa_housekeeping(integer) from public, anon, authenticated;
revoke execute on function public.wa_known_sessions(uuid[]) from public, anon, authenticated;
grant execute on function public.wa_housekeeping(integer) to service_role;
grant execute on function public.wa_known_sessions(uuid[]) to service_role;
