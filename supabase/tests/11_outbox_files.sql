-- Files to send: who may upload them, and that nobody sends what they could not open.
begin;
select plan(22);
select tests.two_tenants();
create function tests.outbox_path(p_workspace text, p_name text default 'offer.jpg')
returns text
language sql
as $$
  select tests.id(p_workspace) || '/outbox/' || p_name;
$$;
create function tests.send_image(p_session text, p_payload jsonb)
returns text
language sql
as $$
  select format(
    'insert into wa_outbox (session_id, "to", kind, payload) values (%L, ''1@lid'', ''image'', %L)',
    tests.id(p_session), p_payload
  );
$$;
create function tests.upload(p_name text, p_bucket text default 'wa-media')
returns text
language sql
as $$
  select format('insert into storage.objects (bucket_id, name) values (%L, %L)', p_bucket, p_name);
$$;
grant execute on all functions in schema tests to anon, authenticated, service_role;
insert into storage.buckets (id, name, public) values ('elsewhere', 'elsewhere', false), ('ours', 'ours', false);
insert into storage.objects (bucket_id, name, metadata)
values
('wa-media', tests.outbox_path('Rival', 'secret.jpg'), '{}'),
('ours', 'logo.jpg', '{}'),
('elsewhere', 'x', '{}');
create policy "Everybody signed in reads our logo"
on storage.objects
for select
to authenticated
using (bucket_id = 'ours');

-- "Members upload what their workspace sends"
select tests.act_as('ana');
select lives_ok(tests.upload(tests.outbox_path('Acme')), 'A member uploads into their workspace''s outbox');
select isnt_empty(
  format('select 1 from storage.objects where name = %L', tests.outbox_path('Acme')), 'And sees the file there'
);
select throws_ok(tests.upload(tests.outbox_path('Rival')), '42501', null, 'Not into another workspace''s');
select throws_ok(tests.upload(tests.id('Acme') || '/offer.jpg'), '42501', null, 'Not beside the outbox');
select throws_ok(
  tests.upload(tests.id('Acme') || '/' || tests.id('acme') || '/outbox/offer.jpg'), '42501', null,
  'Not among what was received'
);
select throws_ok(tests.upload('outbox/offer.jpg'), '42501', null, 'Not without a workspace');
select throws_ok(tests.upload(tests.outbox_path('Acme'), 'elsewhere'), '42501', null, 'Not into another bucket');
select throws_ok(
  tests.upload(tests.outbox_path('Acme', '../../' || tests.outbox_path('Rival'))), '42501', null,
  'Not by a way out of the folder'
);
select throws_ok(
  tests.upload(tests.outbox_path('Acme')), '23505', null, 'What is there is not replaced'
);
select is_empty(
  format('update storage.objects set name = ''x'' where name = %L returning 1', tests.outbox_path('Acme')),
  'What is there is not renamed'
);
select tests.act_as('nobody');
select throws_ok(
  tests.upload(tests.outbox_path('Acme', 'a')), '42501', null, 'A user without workspace uploads nothing'
);
select tests.act_as_anybody();
select throws_ok(tests.upload(tests.outbox_path('Acme', 'a')), '42501', null, 'Nobody signed in uploads anything');

-- What a member sends, they have to be able to read.
select tests.act_as('ana');
select lives_ok(
  tests.send_image('acme', jsonb_build_object('storage_path', tests.outbox_path('Acme'))),
  'A member sends what their workspace has'
);
select lives_ok(
  tests.send_image('acme', '{"bucket": "ours", "storage_path": "logo.jpg"}'),
  'A member sends what the app''s own policies let them read'
);
select throws_ok(
  tests.send_image('acme', jsonb_build_object('storage_path', path)), '23514',
  'payload.storage_path names no file that you may read.', why
)
from (
  values
  (tests.outbox_path('Rival', 'secret.jpg'), 'A member does not send another workspace''s file'),
  (tests.outbox_path('Acme', 'nothing.jpg'), 'A member does not send a file that is not there')
) as unseen (path, why);
select throws_ok(
  tests.send_image('acme', '{"bucket": "elsewhere", "storage_path": "x"}'), '23514',
  'payload.storage_path names no file that you may read.', 'A member does not send from a bucket they may not read'
);
select throws_ok(
  tests.send_image(
    'acme',
    jsonb_build_object('storage_path', tests.outbox_path('Acme', '../../' || tests.outbox_path('Rival', 'secret.jpg')))
  ),
  '23514', 'payload.storage_path must be the path of a file in its bucket, without a leading slash.',
  'Nor by a way out of the folder'
);
select throws_ok(
  tests.send_image('rival', jsonb_build_object('storage_path', tests.outbox_path('Acme'))), '42501', null,
  'Nor their own file from another workspace''s session'
);
select tests.act_as('rita');
select throws_ok(
  tests.send_image('rival', jsonb_build_object('storage_path', tests.outbox_path('Acme'))), '23514',
  'payload.storage_path names no file that you may read.', 'And neither does the other tenant'
);
select tests.act_as_service();
select lives_ok(
  tests.send_image('rival', jsonb_build_object('storage_path', tests.outbox_path('Rival', 'later.jpg'))),
  'An app''s server may name a file before it is there'
);
reset role;
select results_eq(
  'select distinct bucket from public.wa_attachments where bucket <> ''wa-media''', array['ours'],
  'The attachment says in which bucket it is'
);

select finish();
rollback;
