-- Limits, pauses and what waits: members of the workspace see and steer them; what was sent is counted by us only.
begin;
select plan(21);
select tests.two_tenants();
insert into wa_private.sends (outbox_id, claim, session_id, first_contact, at)
values (gen_random_uuid(), 1, tests.id('acme'), false, now());

select tests.act_as('ana');
select isnt_empty(
  'update wa_sessions set send_gap_seconds = 8, send_per_minute = 6, send_per_day = 200, send_new_per_day = 5,
   warm_up_days = 14 where id = tests.id(''acme'') returning 1',
  'A member changes the limits'
);
select throws_ok(
  format('update wa_sessions set %I = null', name), '42501', null, format('A member does not write %s', name)
)
from unnest(array['paused_until', 'pause_reason', 'new_chats_paused_until', 'next_send_at', 'linked_at']) as name;
select throws_ok(
  'update wa_sessions set warm_up_days = -1', '23514', null, 'A warm-up takes no less than no time'
);
select throws_ok('select 1 from wa_private.sends', '42501', null, 'A member does not read what was counted');
select throws_ok('delete from wa_private.sends', '42501', null, 'Nor forgets it');
select throws_ok(
  format('select wa_private.pause_sending(%L, ''all'', 60, ''restricted'')', tests.id('acme')), '42501', null,
  'A member pauses in nobody else''s name'
);
select is(
  (wa_pause_sending(tests.id('acme'))).pause_reason, 'member', 'An agent pauses their workspace''s session'
);
select results_eq(
  format('select reason from wa_why_waiting(%L)', tests.id('acme')), array['session_offline'],
  'And is told why its rows wait'
);
select is(
  (wa_resume_sending(tests.id('acme'))).paused_until, null, 'And resumes it'
);
select throws_ok(
  format('select wa_pause_sending(%L)', tests.id('rival')), '42501', 'No session of yours has this id.',
  'A member pauses no other workspace''s session'
);
select throws_ok(
  format('select wa_resume_sending(%L)', gen_random_uuid()), '42501', 'No session of yours has this id.',
  'And hears the same of what is not there'
);
select throws_ok(
  format('select * from wa_why_waiting(%L)', tests.id('rival')), '42501', 'No session of yours has this id.',
  'Nor hears what waits there'
);

select tests.act_as('nobody');
select throws_ok(
  format('select wa_pause_sending(%L)', tests.id('acme')), '42501', 'No session of yours has this id.',
  'A user without workspace pauses nothing'
);

select tests.act_as_anybody();
select throws_ok(
  format('select %s(%L)', name, tests.id('acme')), '42501', format('permission denied for function %s', name),
  format('Nobody signed in calls %s', name)
)
from unnest(array['wa_pause_sending', 'wa_resume_sending', 'wa_why_waiting']) as name;

select tests.act_as_service();
select is(
  (wa_pause_sending(tests.id('rival'))).pause_reason, 'member', 'An app''s server pauses for its members'
);

select finish();
rollback;
