-- Housekeeping: for connectors and the operator, nobody else; and nothing in it decides for members.
begin;
select plan(32);
select tests.two_tenants();

select tests.act_as('olga');
select throws_ok(call, '42501', null, format('An owner may not call %s', split_part(call, '(', 1)))
from unnest(array[
  'select wa_housekeeping()',
  'select wa_orphaned_files()',
  'select wa_known_sessions(''{}'')',
  'select wa_private.forget_outbox(1)',
  'select wa_private.named_files(''{}'')',
  'select wa_private.try_turn(tests.id(''acme''))'
]) as call;
select throws_ok(
  format('%s wa_private.%s', verb, name), '42501', null, format('An owner may not %s %s', verb, name)
)
from unnest(array['select 1 from', 'delete from']) as verb
cross join unnest(array['housekeeping_rules', 'housekeeping_walks', 'project']) as name;
select throws_ok(
  'update wa_sessions set idle_since = null where id = tests.id(''acme'')', '42501', null,
  'A member does not write idle_since'
);
select lives_ok('select idle_since from wa_sessions', 'A member sees it');

select tests.act_as_anybody();
select throws_ok(call, '42501', null, format('Nobody signed in may call %s', split_part(call, '(', 1)))
from unnest(array[
  'select wa_housekeeping()',
  'select wa_orphaned_files()',
  'select wa_known_sessions(''{}'')'
]) as call;
select throws_ok(
  format('%s wa_private.%s', verb, name), '42501', null, format('Nobody signed in may %s %s', verb, name)
)
from unnest(array['select 1 from', 'delete from']) as verb
cross join unnest(array['housekeeping_rules', 'housekeeping_walks', 'project']) as name;

select tests.act_as_service();
select lives_ok('select wa_orphaned_files()', 'The connector asks for files that nothing names');
select lives_ok('select wa_known_sessions(''{}'')', 'The connector asks which sessions there are');
select lives_ok('select 1 from wa_private.housekeeping_rules', 'The connector reads the rules');

-- What has just been made is nobody's rubbish, whoever's it is.
select is(wa_housekeeping() ->> 'done', '{}', 'The connector tidies up, and finds nothing that is old');
reset role;
select is(wa_housekeeping() ->> 'more', 'false', 'So does the operator, whose role pg_cron takes');
select lives_ok(
  'update wa_private.housekeeping_rules set after = ''1 year'' where name = ''outbox''', 'An operator changes a rule'
);
select throws_ok(
  'update wa_private.housekeeping_rules set after = ''1 hour'' where name = ''outbox''', '23514', null,
  'But throws away nothing of today'
);
select throws_ok('insert into wa_private.project default values', '23505', null, 'There is one project in a database');
select is_empty(
  $$
    select proname
    from pg_proc
    where proname ~ 'housekeeping|orphaned_files|known_sessions' and prosecdef
  $$,
  'Nobody acts with more rights than they have'
);

select finish();
rollback;
