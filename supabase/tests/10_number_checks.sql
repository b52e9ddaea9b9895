-- Number checks: who may ask, what a malformed list gives away, and what nobody but the connector writes.
begin;
select plan(16);
select tests.two_tenants();

-- "Members read their workspace's number checks": 01_reading.sql
select tests.act_as('ana');
select results_eq(
  format(
    'select number, state from wa_check_numbers(%L, array[''+55 (21) 9 8765-4321'', ''5511987654321@s.whatsapp.net''])',
    tests.id('acme')
  ),
  'values (''5521987654321'', ''queued''), (''5511987654321'', ''queued'')',
  'A member asks about numbers as people write them, and sees their rows in that order'
);
select is(
  (select count(*) from public.wa_number_checks), 2::bigint, 'Who is asked about twice has one row'
);
select is_empty(
  format('select 1 from wa_check_numbers(%L, ''{}'')', tests.id('acme')), 'Asking about nobody is no error'
);
select throws_ok(
  format('select wa_check_numbers(%L, array[''5521987654321''])', session), '42501',
  'No session of yours has this id.', 'A member does not ask through a session of ' || whose
)
from (values (tests.id('rival'), 'another workspace'), (tests.id('nobody'), 'nobody')) as other (session, whose);
select throws_ok(
  format('select wa_check_numbers(%L, array[''5521987654321'', %L])', tests.id('acme'), written), '22023',
  'Number 2 of the list is no phone number with country code.', coalesce(written, 'null') || ' is refused by its place'
)
from unnest(array[
  '0800 123', 'Ana', '1@lid', '120363000000000001@g.us', 'ana@s.whatsapp.net', null, repeat(' ', 100) || '5521987654321'
]) as written;
select throws_ok(
  format('select wa_check_numbers(%L, array_fill(''5521987654321''::text, array[1001]))', tests.id('acme')), '22023',
  'At most 1,000 numbers a call.', 'The list has an end'
);

select tests.act_as('nobody');
select throws_ok(
  format('select wa_check_numbers(%L, ''{}'')', tests.id('acme')), '42501', null,
  'A user without workspace asks about nobody'
);
select tests.act_as_anybody();
select throws_ok(
  format('select wa_check_numbers(%L, ''{}'')', tests.id('acme')), '42501', null, 'Nobody signed in may ask'
);
select tests.act_as_service();
select results_eq(
  format('select state from wa_check_numbers(%L, array[''5521987654321''])', tests.id('rival')), array['queued'],
  'An app''s server asks for every workspace'
);

select finish();
rollback;
