-- Heartbeats are the connectors'; members are told how many live and how their own sessions are.
begin;
select plan(19);
select tests.two_tenants();

select tests.act_as_service();
select isnt(
  wa_heartbeat('machine-a', '1.0', 2, '{"uptime_seconds": 60}'), null, 'A connector says that it lives'
);
select lives_ok('select wa_heartbeat(''machine-b'', ''1.0'', 0, null)', 'With or without figures');
select is(jsonb_array_length(wa_health() -> 'sessions'), 2, 'An app''s server hears of everybody''s sessions');
select is((select count(*) from wa_private.connectors)::integer, 2, 'The connector reads who lives');

select tests.act_as('ana');
select is(wa_health() -> 'connectors', '2', 'An agent hears how many connectors live');
select isnt(wa_health() ->> 'heartbeat_at', null, 'And when one was last heard of');
select is(
  wa_health() #>> '{sessions,0,id}', tests.id('acme')::text, 'And how the sessions of their workspace are'
);
select is(jsonb_array_length(wa_health() -> 'sessions'), 1, 'And of no other');
select unalike(wa_health()::text, '%machine%', 'And nothing of machines');
select throws_ok(
  'select * from wa_private.connectors', '42501', null, 'A member does not read the table'
);
select throws_ok(
  'select wa_heartbeat(''x'', ''1'', 0, ''{}'')', '42501', null, 'A member is no connector'
);
select throws_ok('select wa_sign_off(''machine-a'')', '42501', null, 'And ends none');

select tests.act_as('rita');
select is(
  wa_health() #>> '{sessions,0,id}', tests.id('rival')::text, 'Another workspace hears of its own sessions'
);

select tests.act_as('nobody');
select is(wa_health() -> 'sessions', '[]', 'A user without workspace hears of no session');
select is(wa_health() ->> 'heartbeat_at', null, 'And of no connector');

select tests.act_as_anybody();
select throws_ok(call, '42501', null, format('Nobody signed in calls %s', split_part(call, '(', 1)))
from unnest(array[
  'select wa_health()',
  'select wa_heartbeat(''x'', ''1'', 0, ''{}'')',
  'select wa_sign_off(''machine-a'')'
]) as call;

select tests.act_as_service();
select lives_ok('select wa_sign_off(''machine-a'')', 'A connector says that it stops');

select finish();
rollback;
