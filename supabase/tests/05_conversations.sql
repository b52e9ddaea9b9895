-- Contacts and chats: read by members (01_reading.sql), labelled and marked as read by them.
-- The reading policies: "Members read their workspace's contacts", "Members read their workspace's
-- chats", "Members read who is in their workspace's groups", "Members read their workspace's
-- messages", "Members read what their workspace's messages said before", "Members read their
-- workspace's reactions", "Members read their workspace's votes", "Members read their workspace's
-- receipts", "Members read their workspace's attachments".
begin;
select plan(13);
select tests.two_tenants();

-- "Members label their workspace's contacts"
select tests.act_as('ana');
select isnt_empty(
  'update wa_contacts set tags = ''{vip}'', fields = ''{"plan": "gold"}'' returning 1', 'A member labels a contact'
);
select throws_ok(
  'update wa_contacts set fields = jsonb_build_object(''notes'', repeat(''x'', 70000))', '22023',
  'fields: at most 64 kB',
  'A label is no place for a book'
);
select throws_ok(
  'update wa_contacts set tags = array_fill(''vip''::text, array[101])', '22023',
  'tags: at most 100, each of at most 100 characters', 'Nor are there a hundred and one'
);
select is_empty(
  'update wa_contacts set tags = ''{vip}'' where id = tests.id(''rival contact'') returning 1',
  'A member labels no other workspace''s contact'
);
select throws_ok(
  'update wa_contacts set push_name = ''Eve''', '42501', null, 'What a person calls themselves is not ours to write'
);
select throws_ok('update wa_contacts set fields = ''[]''', '23514', null, 'Fields are an object');
select tests.act_as_anybody();
select throws_ok('update wa_contacts set tags = ''{}''', '42501', null, 'Nobody signed in labels a contact');

-- "Members mark their workspace's chats as read"
select tests.act_as('ana');
select isnt_empty('update wa_chats set unread_count = 0 returning 1', 'A member marks a chat as read');
select is_empty(
  'update wa_chats set unread_count = 0 where id = tests.id(''rival chat'') returning 1',
  'A member marks no other workspace''s chat'
);
select throws_ok('update wa_chats set name = ''x''', '42501', null, 'A member does not rename a chat here');
select throws_ok('update wa_chats set unread_count = -1', '23514', null, 'Nothing is less than read');
select tests.act_as_anybody();
select throws_ok('update wa_chats set unread_count = 0', '42501', null, 'Nobody signed in marks a chat');
select tests.act_as('rita');
select results_eq(
  'select body from wa_messages', array['oi'], 'The other tenant reads their own message, and only that'
);

select finish();
rollback;
