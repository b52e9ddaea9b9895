-- What nobody but the connector may write, verb by verb.
begin;
select plan(57);
select tests.two_tenants();

-- Members: rows come in by RPCs and triggers; the exceptions have files of their own.
select tests.act_as('olga');
select throws_ok(
  format('insert into public.%I (workspace_id) values (tests.id(''Acme''))', name), '42501', null,
  format('A member may not insert into %s', name)
)
from tests.tables() as name
where name not in ('wa_workspaces', 'wa_workspace_members', 'wa_sessions');
select throws_ok(
  'insert into wa_workspaces (name) values (''Mine'')', '42501', null,
  'A user makes workspaces by wa_create_workspace only'
);
select throws_ok(
  format('update public.%I set workspace_id = tests.id(''Rival'')', name), '42501', null,
  format('A member may not move rows of %s to another tenant', name)
)
from tests.tables() as name
where name <> 'wa_workspaces';
select throws_ok(
  format('delete from public.%I', name), '42501', null, format('A member may not delete from %s', name)
)
from tests.tables() as name
where name <> 'wa_workspace_members';

select tests.act_as_anybody();
select throws_ok(
  format('insert into public.%I default values', name), '42501', null,
  format('Nobody signed in may insert into %s', name)
)
from tests.tables() as name;
select throws_ok('select wa_create_workspace(''Mine'')', '42501', null, 'Nobody signed in may create a workspace');

select finish();
rollback;
