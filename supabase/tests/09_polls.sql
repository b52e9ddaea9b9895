-- Polls: the results are a view that reads as whoever asks, so members see their workspace's only.
begin;
select plan(8);
select tests.two_tenants();
update wa_messages set kind = 'poll', content = '{"options": ["beach", "home"]}';
update wa_poll_votes set options = array[encode(sha256('home'), 'hex')];

select tests.act_as('ana');
select results_eq(
  'select message_id, option, votes, voters from wa_poll_results order by place',
  $$values
    (tests.id('acme message'), 'beach', 0, '{}'::text[]),
    (tests.id('acme message'), 'home', 1, '{1@lid}'::text[])$$,
  'A member reads how their workspace''s polls went, and no others'
);
select throws_ok(
  'update wa_poll_votes set options = ''{}''', '42501', null, 'A member does not vote for somebody else'
);
select throws_ok(
  'insert into wa_poll_results (message_id) values (null)', null, null, 'Results are counted, not written'
);
select tests.act_as('rita');
select results_eq(
  'select distinct message_id from wa_poll_results', array[tests.id('rival message')],
  'The other tenant reads their own poll'
);
select tests.act_as('nobody');
select is_empty('select 1 from wa_poll_results', 'A user without workspace reads no results');
select tests.act_as_anybody();
select throws_ok('select 1 from wa_poll_results', '42501', null, 'Nobody signed in may read results');
select throws_ok('select 1 from wa_poll_votes', '42501', null, 'Nobody signed in may read votes');
select tests.act_as_service();
select results_eq('select count(*) from wa_poll_results', array[4::bigint], 'The connector reads all results');

select finish();
rollback;
