-- Files in the bucket wa-media, and the private topics of Realtime.
begin;
select plan(20);
select tests.two_tenants();

select results_eq('select public from storage.buckets where id = ''wa-media''', array[false], 'The bucket is private');
insert into storage.buckets (id, name, public) values ('elsewhere', 'elsewhere', false);
insert into storage.objects (bucket_id, name)
select
  bucket,
  format('%s/%s/2026/01/%s.jpg', tests.id(tenant), tests.id(lower(tenant)), tests.id('file')) as name
from unnest(array['wa-media', 'elsewhere']) as bucket
cross join unnest(array['Acme', 'Rival']) as tenant;
insert into storage.objects (bucket_id, name) values ('wa-media', 'loose.jpg');

-- "Members read their workspace's WhatsApp media"
select tests.act_as('ana');
select results_eq(
  'select bucket_id, (storage.foldername(name))[1] from storage.objects',
  format('values (''wa-media'', %L)', tests.id('Acme')),
  'A member opens their workspace''s files, and no others'
);
select throws_ok(
  format('insert into storage.objects (bucket_id, name) values (''wa-media'', %L)', tests.id('Acme') || '/x/y.jpg'),
  '42501', null, 'A member puts nothing among what was received'
);
select is_empty('update storage.objects set name = ''x'' returning 1', 'A member renames no file');
select tests.act_as('nobody');
select is_empty('select 1 from storage.objects', 'A user without workspace opens no file');
select tests.act_as_anybody();
select is_empty('select 1 from storage.objects', 'Nobody signed in opens a file');
reset role;

-- "Members hear their workspace's broadcasts"
select realtime.send('{}', 'message_stored', 'wa:workspace:' || tests.id('Acme'), true);
select realtime.send('{}', 'message_stored', 'wa:workspace:' || tests.id('Rival'), true);
select realtime.send('{}', 'outbox_queued', 'wa:connectors', true);
create function tests.may_hear(p_topic text)
returns boolean
language plpgsql
as $$
begin
  perform set_config('realtime.topic', p_topic, true);
  return exists (select from realtime.messages where topic = p_topic);
end;
$$;
grant execute on function tests.may_hear(text) to anon, authenticated, service_role;

select tests.act_as('ana');
select ok(tests.may_hear('wa:workspace:' || tests.id('Acme')), 'A member hears their workspace''s topic');
select ok(not tests.may_hear('wa:workspace:' || tests.id('Rival')), 'A member does not hear another workspace');
select ok(not tests.may_hear('wa:connectors'), 'A member does not hear the connectors'' doorbell');
select ok(not tests.may_hear(''), 'Without a topic nothing is heard');
select throws_ok(
  format(
    'insert into realtime.messages (topic, extension, event, private) values (%L, ''broadcast'', ''x'', true)',
    'wa:workspace:' || tests.id('Acme')
  ),
  '42501', null, 'A member does not speak on the topic'
);
select tests.act_as('nobody');
select ok(not tests.may_hear('wa:workspace:' || tests.id('Acme')), 'A user without workspace hears nothing');
select tests.act_as_anybody();
select ok(not tests.may_hear('wa:workspace:' || tests.id('Acme')), 'Nobody signed in hears anything');
select tests.act_as_service();
select ok(tests.may_hear('wa:connectors'), 'The connector hears its doorbell');
reset role;

select bag_eq(
  'select tablename::text from pg_publication_tables
   where pubname = ''supabase_realtime'' and tablename like ''wa\_%''',
  array[
    'wa_sessions', 'wa_chats', 'wa_messages', 'wa_attachments', 'wa_outbox', 'wa_reactions', 'wa_poll_votes',
    'wa_number_checks'
  ],
  'Row changes of what an inbox shows are published'
);

delete from realtime.messages;
update public.wa_sessions set desired_state = 'connected'
where id = tests.id('acme');
select results_eq(
  'select topic, event, (payload ->> ''session_id'')::uuid, private from realtime.messages',
  format('values (''wa:connectors'', ''session_changed'', %L::uuid, true)', tests.id('acme')),
  'A wish rings the connectors'' doorbell'
);
delete from realtime.messages;
update public.wa_sessions set state = 'connected', name = 'x'
where id = tests.id('acme');
select is_empty('select 1 from realtime.messages', 'What the connector reports does not');
delete from public.wa_sessions
where id = tests.id('acme');
select isnt_empty('select 1 from realtime.messages where event = ''session_changed''', 'A deleted session does');
delete from realtime.messages;
insert into public.wa_outbox (session_id, "to", payload) values (tests.id('rival'), '1@lid', '{"text": "banana"}');
select isnt_empty('select 1 from realtime.messages where event = ''outbox_queued''', 'Something to send does');
select is_empty(
  'select 1 from realtime.messages where payload::text like ''%banana%''', 'What is to be sent is not broadcast'
);

select finish();
rollback;
