-- Purpose: after how long what is thrown away, and how far walks through large tables have come
-- (docs/housekeeping.md).
-- Affects: wa_private.housekeeping_rules, housekeeping_walks, kept_since, walk_is_due, note_walk, try_turn (new).
--
-- Some tables are too busy for an index that only housekeeping would use: those are walked through in the order of
-- their key, a little at each call, and once a day from one end to the other.

create table wa_private.housekeeping_rules (
  name text primary key,
  after interval
  constraint housekeeping_rules_after_check check (after >= interval '24 hours')
);
comment on table wa_private.housekeeping_rules is
'After how long what is thrown away or said. An operator may change it; docs/housekeeping.md says what each is for.';
comment on column wa_private.housekeeping_rules.after is 'At least 24 hours; null: never.';

insert into wa_private.housekeeping_rules (name, after)
values
('codes', '24 hours'),
('idle_sessions', '7 days'),
('events', '30 days'),
('outbox', '90 days'),
('group_receipts', '30 days'),
('orphaned_receipts', '30 days'),
('orphaned_changes', '90 days'),
('number_checks', '30 days'),
('orphaned_files', '24 hours'),
('app_uploads', '30 days');

create table wa_private.housekeeping_walks (
  name text primary key,
  reached text[],
  ended_at timestamptz
);
comment on table wa_private.housekeeping_walks is 'How far walks through tables without a fitting index have come.';
comment on column wa_private.housekeeping_walks.reached is
'The key of the last row that was looked at; null: the walk is over, and the next one begins at the beginning.';

alter table wa_private.housekeeping_rules enable row level security;
alter table wa_private.housekeeping_walks enable row level security;
revoke all on table wa_private.housekeeping_rules, wa_private.housekeeping_walks from anon, authenticated;
grant select, insert, update, delete on table wa_private.housekeeping_rules, wa_private.housekeeping_walks
to service_role;

create function wa_private.kept_since(p_rule text)
returns timestamptz
language sql
stable
security invoker
set search_path = ''
as $$
  select now() - rule.after from wa_private.housekeeping_rules as rule where rule.name = p_rule;
$$;
comment on function wa_private.kept_since(text) is 'What is older than this is to go; null: nothing is.';

create function wa_private.walk_is_due(p_name text)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select not exists (
    select from wa_private.housekeeping_walks as walk
    where walk.name = p_name
      and walk.reached is null
      -- Less than a day, or it would be an hour later each day.
      and walk.ended_at > now() - interval '23 hours 30 minutes'
  );
$$;
comment on function wa_private.walk_is_due(text) is 'Whether a walk is under way, or a day has passed since the last.';

create function wa_private.walk_from(p_name text)
returns text[]
language sql
stable
security invoker
set search_path = ''
as $$
  select walk.reached from wa_private.housekeeping_walks as walk where walk.name = p_name;
$$;
comment on function wa_private.walk_from(text) is 'The key that a walk goes on after; null: from the beginning.';

create function wa_private.note_walk(p_name text, p_reached text[])
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  insert into wa_private.housekeeping_walks as walk (name, reached, ended_at)
  values (p_name, p_reached, case when p_reached is null then now() end)
  on conflict (name) do update
  set reached = excluded.reached, ended_at = coalesce(excluded.ended_at, walk.ended_at);
$$;
comment on function wa_private.note_walk(text, text[]) is 'How far a walk has come; null: it is over.';

create function wa_private.try_turn(p_session_id uuid)
returns boolean
language sql
volatile
security invoker
set search_path = ''
as $$
  -- The locks of take_turns.
  select exists (
    select from public.wa_sessions as session where session.id = p_session_id for key share skip locked
  ) and pg_try_advisory_xact_lock(hashtextextended('zapbase ' || p_session_id, 0));
$$;
comment on function wa_private.try_turn(uuid) is
'Takes a session''s turn as take_turns does, unless somebody has it: whoever does several sessions waits for none.';

revoke execute on function wa_private.kept_since(text) from public, anon, authenticated;
revoke execute on function wa_private.walk_is_due(text) from public, anon, authenticated;
revoke execute on function wa_private.walk_from(text) from public, anon, authenticated;
revoke execute on function wa_private.note_walk(text, text[]) from public, anon, authenticated;
revoke execute on function wa_private.try_turn(uuid) from public, anon, authenticated;
grant execute on function wa_private.kept_since(text) to service_role;
grant execute on function wa_private.walk_is_due(text) to service_role;
grant execute on function wa_private.walk_from(text) to service_role;
grant execute on function wa_private.note_walk(text, text[]) to service_role;
grant execute on function wa_private.try_turn(uuid) to service_role;
