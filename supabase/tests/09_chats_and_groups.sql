-- Chats, people and groups: what of them a member may write, and what a reading of a chat means.
begin;
select plan(31);
select tests.two_tenants();

select tests.act_as('ana');
select throws_ok(
  format('update public.wa_chats set %I = null', name), '42501', null,
  format('A member does not write a chat''s %s', name)
)
from unnest(array[
  'jid', 'kind', 'contact_id', 'description', 'avatar_path', 'avatar_id', 'avatar_checked_at', 'refreshed_at',
  'read_up_to', 'last_message_at', 'archived', 'pinned_at', 'muted_until', 'left_at'
]) as name;
select throws_ok(
  format('update public.wa_contacts set %I = null', name), '42501', null,
  format('A member does not write a contact''s %s', name)
)
from unnest(array[
  'jid', 'phone_number', 'push_name', 'saved_name', 'business_name', 'avatar_path', 'avatar_checked_at', 'on_whatsapp'
]) as name;
select throws_ok(
  'update public.wa_group_members set role = ''admin''', '42501', null, 'A member makes nobody an admin of a group'
);
select throws_ok(
  'update public.wa_attachments set state = ''stored'', storage_path = ''x''', '42501', null,
  'A member does not say where a file is'
);

-- Reading a chat: by a member, and by an app's server; the connector only counts.
reset role;
update public.wa_chats set last_message_at = '2026-01-02 12:00:00+00', unread_count = 3;
select tests.act_as('ana');
update public.wa_chats set unread_count = 0;
reset role;
select results_eq(
  'select read_up_to from public.wa_chats where id = tests.id(''acme chat'')',
  array['2026-01-02 12:00:00+00'::timestamptz], 'A member reads a chat as far as it goes'
);
select is_empty(
  'select 1 from public.wa_chats where id = tests.id(''rival chat'') and (read_up_to is not null or unread_count = 0)',
  'A member reads no chat of another workspace'
);
update public.wa_chats set last_message_at = '2026-01-01 12:00:00+00'
where id = tests.id('acme chat');
update public.wa_chats set unread_count = 0
where id = tests.id('acme chat');
select results_eq(
  'select read_up_to from public.wa_chats where id = tests.id(''acme chat'')',
  array['2026-01-02 12:00:00+00'::timestamptz], 'What was read stays read'
);
select tests.act_as_service();
update public.wa_chats set read_up_to = null;
update public.wa_chats set unread_count = 0
where id = tests.id('acme chat');
select results_eq(
  'select read_up_to from public.wa_chats where id = tests.id(''acme chat'')', array[null::timestamptz],
  'That nothing was unread before and after is no reading'
);
update public.wa_chats set unread_count = 0, read_up_to = '2025-01-01 12:00:00+00'
where id = tests.id('rival chat');
select results_eq(
  'select read_up_to from public.wa_chats where id = tests.id(''rival chat'')',
  array['2025-01-01 12:00:00+00'::timestamptz], 'Who says how far has read just that'
);
update public.wa_chats set unread_count = 2
where id = tests.id('rival chat');
update public.wa_chats set unread_count = 0
where id = tests.id('rival chat');
select results_eq(
  'select read_up_to from public.wa_chats where id = tests.id(''rival chat'')',
  array['2026-01-02 12:00:00+00'::timestamptz], 'An app''s server reads a chat as a member does'
);

-- "Members read who is in their workspace's groups": 01_reading.sql
select tests.act_as('rita');
select results_eq(
  'select contact_id from public.wa_group_members', array[tests.id('rival contact')],
  'A member sees who is in their own workspace''s groups only'
);

select finish();
rollback;
