-- The outbox: members insert and watch; the connector does the rest.
begin;
select plan(12);
select tests.two_tenants();

-- "Members send from their workspace's sessions"
select tests.act_as('ana');
select lives_ok(
  'insert into wa_outbox (session_id, "to", payload) values (tests.id(''acme''), ''1@lid'', ''{"text": "oi"}'')',
  'A member sends'
);
select results_eq(
  'select created_by from wa_outbox where created_by is not null', array[tests.id('ana')], 'Who sent it is on record'
);
select results_eq(
  'select body from wa_messages where status = ''pending''', array['oi'], 'The chat shows it at once'
);
select throws_ok(
  'insert into wa_outbox (session_id, "to", payload) values (tests.id(''rival''), ''1@lid'', ''{"text": "oi"}'')',
  '42501', null, 'A member sends from no other workspace''s session'
);
select throws_ok(
  'insert into wa_outbox (session_id, workspace_id, "to") values (tests.id(''rival''), tests.id(''Acme''), ''1@lid'')',
  '42501', null, 'Naming one''s own workspace does not help'
);
select throws_ok(
  'insert into wa_outbox (session_id, "to", state) values (tests.id(''acme''), ''1@lid'', ''sent'')',
  '42501', null, 'Nobody but the connector says what was sent'
);
select throws_ok('update wa_outbox set priority = 9', '42501', null, 'A queued row is not rewritten');
select throws_ok('delete from wa_outbox', '42501', null, 'A queued row is not deleted');
select tests.act_as('nobody');
select throws_ok(
  'insert into wa_outbox (session_id, "to") values (tests.id(''acme''), ''1@lid'')', '42501', null,
  'A user without workspace sends nothing'
);
select tests.act_as_anybody();
select throws_ok(
  'insert into wa_outbox (session_id, "to") values (tests.id(''acme''), ''1@lid'')', '42501', null,
  'Nobody signed in sends anything'
);

-- "Members read their workspace's outbox"
select tests.act_as('ana');
select results_eq('select distinct workspace_id from wa_outbox', array[tests.id('Acme')], 'A member watches their own');
select tests.act_as('rita');
select results_eq(
  'select distinct workspace_id from wa_outbox', array[tests.id('Rival')], 'And so does the other tenant'
);

select finish();
rollback;
