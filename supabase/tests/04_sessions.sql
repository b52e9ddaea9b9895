-- Sessions: linked by admins, steered by every member, described by the connector.
begin;
select plan(20);
select tests.two_tenants();

-- "Admins add sessions to their workspace"
select tests.act_as('adam');
select lives_ok(
  'insert into wa_sessions (workspace_id, name, desired_state) values (tests.id(''Acme''), ''Sales'', ''connected'')',
  'An admin adds a session'
);
select throws_ok(
  'insert into wa_sessions (workspace_id) values (tests.id(''Rival''))', '42501', null,
  'An admin adds no session to another workspace'
);
select throws_ok(
  'insert into wa_sessions (workspace_id, state) values (tests.id(''Acme''), ''connected'')', '42501', null,
  'What a session is, nobody but the connector says'
);
select tests.act_as('ana');
select throws_ok(
  'insert into wa_sessions (workspace_id) values (tests.id(''Acme''))', '42501', null, 'An agent adds no session'
);
select tests.act_as_anybody();
select throws_ok(
  'insert into wa_sessions (workspace_id) values (tests.id(''Acme''))', '42501', null,
  'Nobody signed in may add a session'
);

-- "Members steer their workspace's sessions"
select tests.act_as('ana');
select isnt_empty(
  'update wa_sessions set desired_state = ''connected'', pairing_phone = ''5511912345678'', name = ''Sales'',
   send_gap_seconds = 2, history_days = 7, ignore_newsletters = false, ignore_calls = false,
   appear_online = true where id = tests.id(''acme'') returning 1',
  'A member steers a session'
);
select results_eq(
  'select desired_revision from wa_sessions where id = tests.id(''acme'')', array[2::bigint],
  'Each time a state is asked for counts'
);
select is_empty(
  'update wa_sessions set desired_state = ''logged_out'' where id = tests.id(''rival'') returning 1',
  'A member steers no other workspace''s session'
);
select throws_ok(
  format('update wa_sessions set %I = null', name), '42501', null, format('A member does not write %s', name)
)
from unnest(array['state', 'qr_code', 'jid', 'phone_number', 'desired_revision', 'paused_until',
  'sync_updated_at'
]) as name;
select throws_ok(
  'update wa_sessions set pairing_phone = ''+55 11''', '23514', null, 'A pairing phone is digits with country code'
);
select throws_ok('update wa_sessions set desired_state = ''flying''', '23514', null, 'Only known states can be wanted');
select tests.act_as('nobody');
select is_empty('update wa_sessions set name = ''x'' returning 1', 'A user without workspace steers nothing');
select tests.act_as_anybody();
select throws_ok('update wa_sessions set name = ''x''', '42501', null, 'Nobody signed in steers anything');

-- "Members read their workspace's sessions", "Members read their workspace's events": 01_reading.sql
reset role;
update public.wa_sessions set qr_code = '2@secret'
where id = tests.id('acme');
select tests.act_as('rita');
select is_empty('select 1 from wa_sessions where qr_code is not null', 'A QR code is shown to members only');

select finish();
rollback;
