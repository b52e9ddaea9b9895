-- What belongs to the connector alone: its RPCs and the private schema.
begin;
select plan(97);

select tests.act_as('ana');
select throws_ok(call, '42501', null, format('A member may not call %s', split_part(call, '(', 1)))
from unnest(array[
  'select wa_claim_sessions(''a'', ''1 s'', 1, ''{}'', ''{}'')',
  'select wa_renew_leases(''a'', ''[]'', ''1 s'')',
  'select wa_release_leases(''a'', ''[]'')',
  'select wa_report_session(tests.id(''acme''), 1, ''{}'')',
  'select wa_record_event(tests.id(''acme''), 1, ''info'', ''x'', ''x'', ''{}'')',
  'select wa_store_batch(tests.id(''acme''), 1, ''{}'')',
  'select wa_exchange_outbox(tests.id(''acme''), 1, ''x'', ''[]'', 1)',
  'select wa_unsettled_outbox(tests.id(''acme''), 1)',
  'select wa_claim_media(tests.id(''acme''), 1, 1, ''1 s'', 1)',
  'select wa_finish_media(tests.id(''acme''), 1, ''[]'')',
  'select wa_next_lookups(tests.id(''acme''), 1, 1)',
  'select wa_record_picture(tests.id(''acme''), 1, ''x'', ''x'', ''x'')',
  'select wa_show_presence(tests.id(''acme''), 1, ''[]'')',
  'select wa_end_stalled_history(tests.id(''acme''), 1, ''1 s'')',
  'select wa_next_number_checks(tests.id(''acme''), 1, 1)',
  'select wa_record_number_checks(tests.id(''acme''), 1, ''[]'')',
  'select wa_pause_number_checks(tests.id(''acme''), 1, 1)',
  'select wa_stage_device_pages(tests.id(''acme''), 1, 1, ''[]'', true)',
  'select wa_save_device_state(tests.id(''acme''), 1, 1, '''', ''[]'', 0, true)',
  'select wa_load_device_state(tests.id(''acme''), 1)',
  'select wa_load_device_pages(tests.id(''acme''), 1, 0, 1)',
  'select wa_forget_device_state(tests.id(''acme''), 1)',
  'select wa_borrow_lease(tests.id(''acme''), ''a'', ''1 s'')',
  'select wa_device_state_keys(null, 1)',
  'select wa_reseal_device_pages(tests.id(''acme''), 1, 1, ''[]'', null)',
  'select wa_private.store_rosters(tests.id(''acme''), tests.id(''Acme''), ''[]'')',
  'select wa_private.store_attachments(tests.id(''acme''), tests.id(''Acme''), ''[]'')'
]) as call;
select throws_ok(
  format('%s wa_private.%s', verb, name), '42501', null, format('A member may not %s %s', verb, name)
)
from unnest(array['select 1 from', 'delete from']) as verb
cross join unnest(array[
  'session_leases', 'connectors', 'contact_aliases', 'chat_facts', 'member_facts', 'rosters', 'look_ups',
  'message_changes', 'attachment_keys', 'device_pages', 'device_states', 'number_questions'
]) as name;

select tests.act_as_anybody();
select throws_ok(
  format('select 1 from wa_private.%s', name), '42501', null, format('Nobody signed in may read %s', name)
)
from unnest(array[
  'session_leases', 'connectors', 'contact_aliases', 'chat_facts', 'member_facts', 'rosters', 'look_ups',
  'message_changes', 'attachment_keys', 'device_pages', 'device_states', 'number_questions'
]) as name;
select throws_ok(call, '42501', null, format('Nobody signed in may call %s', split_part(call, '(', 1)))
from unnest(array[
  'select wa_claim_sessions(''a'', ''1 s'', 1, ''{}'', ''{}'')',
  'select wa_renew_leases(''a'', ''[]'', ''1 s'')',
  'select wa_release_leases(''a'', ''[]'')',
  'select wa_report_session(tests.id(''acme''), 1, ''{}'')',
  'select wa_record_event(tests.id(''acme''), 1, ''info'', ''x'', ''x'', ''{}'')',
  'select wa_store_batch(tests.id(''acme''), 1, ''{}'')',
  'select wa_exchange_outbox(tests.id(''acme''), 1, ''x'', ''[]'', 1)',
  'select wa_unsettled_outbox(tests.id(''acme''), 1)',
  'select wa_claim_media(tests.id(''acme''), 1, 1, ''1 s'', 1)',
  'select wa_finish_media(tests.id(''acme''), 1, ''[]'')',
  'select wa_next_lookups(tests.id(''acme''), 1, 1)',
  'select wa_record_picture(tests.id(''acme''), 1, ''x'', ''x'', ''x'')',
  'select wa_show_presence(tests.id(''acme''), 1, ''[]'')',
  'select wa_end_stalled_history(tests.id(''acme''), 1, ''1 s'')',
  'select wa_next_number_checks(tests.id(''acme''), 1, 1)',
  'select wa_record_number_checks(tests.id(''acme''), 1, ''[]'')',
  'select wa_pause_number_checks(tests.id(''acme''), 1, 1)',
  'select wa_stage_device_pages(tests.id(''acme''), 1, 1, ''[]'', true)',
  'select wa_save_device_state(tests.id(''acme''), 1, 1, '''', ''[]'', 0, true)',
  'select wa_load_device_state(tests.id(''acme''), 1)',
  'select wa_load_device_pages(tests.id(''acme''), 1, 0, 1)',
  'select wa_forget_device_state(tests.id(''acme''), 1)',
  'select wa_borrow_lease(tests.id(''acme''), ''a'', ''1 s'')',
  'select wa_device_state_keys(null, 1)',
  'select wa_reseal_device_pages(tests.id(''acme''), 1, 1, ''[]'', null)',
  'select wa_private.store_rosters(tests.id(''acme''), tests.id(''Acme''), ''[]'')',
  'select wa_private.store_attachments(tests.id(''acme''), tests.id(''Acme''), ''[]'')',
  'select wa_private.my_workspace_ids()',
  'select wa_private.create_workspace(''x'')'
]) as call;

select tests.act_as_service();
select lives_ok('select wa_claim_sessions(''a'', ''1 s'', 1, ''{}'', ''{}'')', 'The connector claims');
select lives_ok('select 1 from wa_private.session_leases', 'The connector reads leases');
select lives_ok('select 1 from wa_private.device_pages', 'The connector reads device state');
select throws_ok(
  'select wa_store_batch(tests.id(''acme''), 1, ''{}'')', 'ZB001', 'lease lost', 'Without a lease nothing is stored'
);
select throws_ok(
  'select wa_create_workspace(''x'')', '42501', null, 'A workspace is created by a user, who then owns it'
);

select finish();
rollback;
