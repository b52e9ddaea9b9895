-- Decisions about the outbox: members of the workspace take them, and nobody else can tell that there is anything.
begin;
select plan(12);
select tests.two_tenants();
update wa_outbox set state = 'uncertain'
where id = tests.id('rival outbox');

select tests.act_as('rita');
select throws_ok(
  format('select wa_cancel_outbox(%L)', tests.id('acme outbox')), '42501', 'No row of your outbox has this id.',
  'A member cancels nothing of another workspace'
);
select throws_ok(
  format('select wa_cancel_outbox(%L)', gen_random_uuid()), '42501', 'No row of your outbox has this id.',
  'And hears the same of what is not there'
);

select tests.act_as('ana');
select throws_ok(
  format('select wa_resolve_outbox(%L, ''sent'')', tests.id('rival outbox')), '42501',
  'No row of your outbox has this id.', 'Nor does anybody decide about another workspace''s rows'
);
select is(
  (wa_cancel_outbox(tests.id('acme outbox'))).state, 'cancelled', 'An agent cancels a row of their workspace'
);
select throws_ok(
  format('select wa_resolve_outbox(%L, ''sent'')', tests.id('acme outbox')), '22023',
  'There is nothing to resolve: it is cancelled.', 'What is not in doubt needs no decision'
);
select throws_ok(
  format('select wa_resolve_outbox(%L, ''failed'')', tests.id('acme outbox')), '22023',
  'p_outcome must be ''sent'' or ''retry''.', 'A decision is one of two'
);

select tests.act_as('rita');
select is(
  (wa_resolve_outbox(tests.id('rival outbox'), 'sent')).state, 'sent', 'A member says what became of a row in doubt'
);

select tests.act_as('nobody');
select throws_ok(
  format('select wa_cancel_outbox(%L)', tests.id('acme outbox')), '42501', 'No row of your outbox has this id.',
  'A user without workspace decides nothing'
);
select tests.act_as_anybody();
select throws_ok(
  format('select wa_cancel_outbox(%L)', tests.id('acme outbox')), '42501',
  'permission denied for function wa_cancel_outbox', 'Nobody signed in cancels anything'
);
select throws_ok(
  format('select wa_resolve_outbox(%L, ''retry'')', tests.id('rival outbox')), '42501',
  'permission denied for function wa_resolve_outbox', 'Nor resolves anything'
);

select tests.act_as_service();
select is(
  (wa_cancel_outbox(tests.id('acme outbox'))).state,
  'cancelled',
  'An app''s server decides for its members; twice is once'
);
select throws_ok(
  format('select wa_cancel_outbox(%L)', tests.id('rival outbox')), '22023',
  'It cannot be cancelled any more: it is sent.', 'What was sent is not cancelled'
);

select finish();
rollback;
