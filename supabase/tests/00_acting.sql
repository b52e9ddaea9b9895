-- People to act as, and two tenants to act upon. Runs first and stays; the other files
-- undo what they do. Everybody and everything has a fixed id: tests.id('ana').

create schema if not exists tests;
grant usage on schema tests to anon, authenticated, service_role;

create or replace function tests.id(p_name text)
returns uuid
language sql
immutable
as $$
  select md5(p_name)::uuid;
$$;

create or replace function tests.act_as(p_name text)
returns void
language plpgsql
as $$
begin
  perform set_config('request.jwt.claims', jsonb_build_object('sub', tests.id(p_name), 'role', 'authenticated')::text, true);
  perform set_config('role', 'authenticated', true);
end;
$$;

create or replace function tests.act_as_anybody()
returns void
language plpgsql
as $$
begin
  perform set_config('request.jwt.claims', '{"role": "anon"}', true);
  perform set_config('role', 'anon', true);
end;
$$;

create or replace function tests.act_as_service()
returns void
language plpgsql
as $$
begin
  perform set_config('request.jwt.claims', '{"role": "service_role"}', true);
  perform set_config('role', 'service_role', true);
end;
$$;

create or replace function tests.tables()
returns setof text
language sql
stable
as $$
  select relname::text
  from pg_class
  where relnamespace = 'public'::regnamespace and relname like 'wa\_%' and relkind = 'r'
  order by relname;
$$;

-- Acme has olga (owner), adam (admin) and ana (agent); Rival has rita (owner). Each has a
-- session 'acme' or 'rival' with one row of everything, ids tests.id('acme chat') and so on.
create or replace function tests.two_tenants()
returns void
language plpgsql
as $$
declare
  tenant text;
begin
  insert into auth.users (id)
  select tests.id(name) from unnest(array['olga', 'adam', 'ana', 'rita', 'nobody']) as name;
  insert into public.wa_workspaces (id, name) values (tests.id('Acme'), 'Acme'), (tests.id('Rival'), 'Rival');
  insert into public.wa_workspace_members (workspace_id, user_id, role)
  values
    (tests.id('Acme'), tests.id('olga'), 'owner'),
    (tests.id('Acme'), tests.id('adam'), 'admin'),
    (tests.id('Acme'), tests.id('ana'), 'agent'),
    (tests.id('Rival'), tests.id('rita'), 'owner');
  foreach tenant in array array['Acme', 'Rival'] loop
    perform tests.furnish(tests.id(tenant), lower(tenant));
  end loop;
end;
$$;

create or replace function tests.furnish(p_workspace uuid, p_name text)
returns void
language plpgsql
as $$
declare
  session constant uuid := tests.id(p_name);
  contact constant uuid := tests.id(p_name || ' contact');
  chat constant uuid := tests.id(p_name || ' chat');
  message constant uuid := tests.id(p_name || ' message');
begin
  insert into public.wa_sessions (id, workspace_id) values (session, p_workspace);
  insert into public.wa_events (workspace_id, session_id, level, code, message)
  values (p_workspace, session, 'info', 'connected', 'Connected.');
  insert into public.wa_contacts (id, workspace_id, session_id, jid) values (contact, p_workspace, session, '1@lid');
  insert into public.wa_chats (id, workspace_id, session_id, contact_id, jid, kind)
  values (chat, p_workspace, session, contact, '1@lid', 'direct');
  insert into public.wa_group_members (chat_id, contact_id, workspace_id, session_id)
  values (chat, contact, p_workspace, session);
  insert into public.wa_messages (
    id, workspace_id, session_id, chat_id, whatsapp_id, from_me, kind, body, sent_at, status, source
  )
  values (message, p_workspace, session, chat, 'A', false, 'text', 'oi', now(), 'delivered', 'live');
  insert into public.wa_message_edits (workspace_id, session_id, message_id, version, body, edited_at)
  values (p_workspace, session, message, 0, 'io', now());
  insert into public.wa_reactions (workspace_id, session_id, chat_id, whatsapp_id, sender_jid, emoji, reacted_at)
  values (p_workspace, session, chat, 'A', '1@lid', '!', now());
  insert into public.wa_poll_votes (workspace_id, session_id, chat_id, whatsapp_id, voter_jid, options, voted_at)
  values (p_workspace, session, chat, 'A', '1@lid', '{}', now());
  insert into public.wa_receipts (workspace_id, session_id, chat_id, whatsapp_id, participant_jid, status)
  values (p_workspace, session, chat, 'A', '1@lid', 'read');
  insert into public.wa_attachments (workspace_id, session_id, message_id) values (p_workspace, session, message);
  insert into public.wa_number_checks (workspace_id, session_id, number) values (p_workspace, session, '5511987654321');
  -- Shows no message of its own, so that each table has one row a tenant.
  insert into public.wa_outbox (id, session_id, "to", kind)
  values (tests.id(p_name || ' outbox'), session, chat::text, 'read');
end;
$$;

grant execute on all functions in schema tests to anon, authenticated, service_role;

begin;
select plan(1);
select has_schema('tests');
select finish();
rollback;
