-- Who may read what: members their workspace's rows, nobody anybody else's.
begin;
select plan(64);
select tests.two_tenants();

select tests.act_as('ana');
select is_empty(
  format('select 1 from public.%I where workspace_id <> tests.id(''Acme'')', name),
  format('A member reads nothing of another tenant in %s', name)
)
from tests.tables() as name
where name <> 'wa_workspaces';
select isnt_empty(
  format('select 1 from public.%I where workspace_id = tests.id(''Acme'')', name),
  format('A member reads their own workspace''s %s', name)
)
from tests.tables() as name
where name <> 'wa_workspaces';
select results_eq('select name from wa_workspaces', array['Acme'], 'Members read their workspaces, and no others');
select results_eq(
  'select role from wa_workspace_members order by role', array['admin', 'agent', 'owner'],
  'Members read who else is a member'
);

select tests.act_as('nobody');
select is_empty(format('select 1 from public.%I', name), format('A user without workspace reads no row of %s', name))
from tests.tables() as name;

select tests.act_as_anybody();
select throws_ok(
  format('select 1 from public.%I', name), '42501', null, format('Nobody signed in may read %s', name)
)
from tests.tables() as name;

select tests.act_as_service();
select results_eq('select count(*) from wa_sessions', array[2::bigint], 'The connector reads every tenant');
select results_eq('select count(*) from wa_messages', array[2::bigint], 'The connector reads every message');
select lives_ok('delete from wa_sessions', 'The connector may delete a session');
select is_empty(
  'select 1 from wa_messages union all select 1 from wa_outbox union all select 1 from wa_chats',
  'A deleted session takes its conversations along'
);

select finish();
rollback;
