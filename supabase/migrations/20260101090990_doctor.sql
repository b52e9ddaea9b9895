-- Purpose: what `zapbase doctor` asks of the database: which schema and functions it has, what time it is, and
-- whether anything stands open that should not.
-- Affects: wa_doctor, wa_private.open_doors (new).

create function wa_private.open_doors()
returns setof text
language sql
stable
security invoker
set search_path = ''
as $$
  select format('public.%s has no row-level security', relation.relname)
  from pg_catalog.pg_class as relation
  where relation.relnamespace = 'public'::regnamespace
    and relation.relname like 'wa\_%'
    and relation.relkind in ('r', 'p')
    and not relation.relrowsecurity
  union all
  select format('anon may use public.%s', relation.relname)
  from pg_catalog.pg_class as relation
  where relation.relnamespace = 'public'::regnamespace
    and relation.relname like 'wa\_%'
    and relation.relkind in ('r', 'p', 'v', 'm')
    and pg_catalog.has_table_privilege('anon', relation.oid, 'select, insert, update, delete')
  union all
  select format('anon may call public.%s', routine.proname)
  from pg_catalog.pg_proc as routine
  where routine.pronamespace = 'public'::regnamespace
    and routine.proname like 'wa\_%'
    and pg_catalog.has_function_privilege('anon', routine.oid, 'execute')
  union all
  select 'the bucket wa-media is public'
  from storage.buckets as bucket
  where bucket.id = 'wa-media' and bucket.public;
$$;
comment on function wa_private.open_doors() is 'What the public may reach and should not: no rows.';

create function public.wa_doctor()
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    -- Raised with every change that an older connector, or an older schema, cannot work with.
    'schema', 1,
    'now', clock_timestamp(),
    'calls', (
      select jsonb_object_agg(routine.proname, coalesce(routine.proargnames[1:routine.pronargs], '{}'))
      from pg_catalog.pg_proc as routine
      where routine.pronamespace = 'public'::regnamespace
        and routine.proname like 'wa\_%'
        and pg_catalog.has_function_privilege('service_role', routine.oid, 'execute')
    ),
    'open_doors', coalesce((select jsonb_agg(door) from wa_private.open_doors() as door), '[]'),
    'published', (
      select count(*)
      from pg_catalog.pg_publication_tables as published
      where published.pubname = 'supabase_realtime'
        and published.schemaname = 'public'
        and published.tablename in (
          'wa_sessions', 'wa_chats', 'wa_messages', 'wa_attachments', 'wa_outbox', 'wa_reactions', 'wa_poll_votes',
          'wa_number_checks'
        )
    )
  );
$$;
comment on function public.wa_doctor() is
'For `zapbase doctor`: {schema, now, calls, open_doors, published}; calls names the arguments of each '
'function, published counts the five tables that apps listen to.';

revoke execute on function wa_private.open_doors() from public, anon, authenticated;
revoke execute on function public.wa_doctor() from public, anon, authenticated;
grant execute on function wa_private.open_doors() to service_role;
grant execute on function public.wa_doctor() to service_role;
