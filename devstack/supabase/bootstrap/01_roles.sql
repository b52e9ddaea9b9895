-- Purpose: the roles and privileges a hosted Supabase project starts with.
-- Run as supabase_admin, the only superuser; every file of this folder can be run again.
-- Passwords are set by the caller.

do $$
declare
  declared record;
begin
  for declared in
    select * from (values
      ('anon', 'nologin noinherit'),
      ('authenticated', 'nologin noinherit'),
      ('service_role', 'nologin noinherit bypassrls'),
      ('authenticator', 'login noinherit'),
      ('dashboard_user', 'nologin createrole createdb replication'),
      ('supabase_admin', 'login superuser createrole createdb replication bypassrls'),
      ('supabase_auth_admin', 'nologin noinherit createrole'),
      ('supabase_storage_admin', 'nologin noinherit createrole'),
      ('supabase_realtime_admin', 'nologin noinherit'),
      ('postgres', 'login createrole createdb replication bypassrls')
    ) as hosted (name, attributes)
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = declared.name) then
      execute format('create role %I %s', declared.name, declared.attributes);
    end if;
  end loop;
end $$;

-- Hosted projects let postgres write policies on the storage and realtime owners' tables
-- through an extension of the platform (supautils); membership is the nearest thing to it.
do $$
begin
  grant anon, authenticated, service_role to authenticator;
  grant anon, authenticated, service_role, authenticator to postgres with admin option;
  grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
  grant supabase_storage_admin, supabase_realtime_admin to postgres;
  grant anon, authenticated, service_role to supabase_storage_admin, supabase_realtime_admin;
end $$;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role postgres set search_path = "$user", public, extensions;
alter role supabase_admin set search_path = "$user", public, auth, extensions;

create schema if not exists extensions authorization postgres;
create extension if not exists pgcrypto with schema extensions;
grant usage on schema extensions to anon, authenticated, service_role;

alter schema public owner to postgres;
grant usage on schema public to anon, authenticated, service_role;

-- Everything new in public is open to the API's roles unless a migration revokes it:
-- the platform's default, which migrations must be written against.
do $$
declare
  creator text;
begin
  foreach creator in array array['postgres', 'supabase_admin'] loop
    execute format(
      'alter default privileges for role %I in schema public
         grant all on tables to postgres, anon, authenticated, service_role', creator);
    execute format(
      'alter default privileges for role %I in schema public
         grant all on sequences to postgres, anon, authenticated, service_role', creator);
    execute format(
      'alter default privileges for role %I in schema public
         grant all on functions to postgres, anon, authenticated, service_role', creator);
  end loop;
end $$;

do $$
begin
  execute format('alter database %I owner to postgres', current_database());
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
end $$;
alter publication supabase_realtime owner to postgres;
