-- Each query lists objects that break a house rule; together they must return no rows.
with relation as (
  select oid, relname, relkind, relrowsecurity, relnamespace::regnamespace as namespace
  from pg_class
  where relkind in ('r', 'p', 'v', 'm', 'S')
    and (
      relnamespace = 'wa_private'::regnamespace
      or (relnamespace = 'public'::regnamespace and relname like 'wa\_%')
    )
),

routine as (
  select oid, proname, prosecdef, proconfig, pronamespace::regnamespace as namespace, oid::regprocedure as signature
  from pg_proc
  where pronamespace = 'wa_private'::regnamespace
    or (pronamespace = 'public'::regnamespace and proname like 'wa\_%')
),

foreign_key as (
  select conname, conkey, conrelid
  from pg_constraint
  where contype = 'f' and conrelid in (select oid from relation)
)

select format('%s.%s has no row-level security', namespace, relname) as violation
from relation
where relkind in ('r', 'p') and not relrowsecurity

union all
select format('public.%s has no workspace_id', relname)
from relation
where relkind in ('r', 'p')
  and namespace = 'public'::regnamespace
  and relname <> 'wa_workspaces'
  and not exists (
    select from pg_attribute
    where attrelid = relation.oid and attname = 'workspace_id' and attnotnull
  )

union all
select format('public.%s has no index that leads with workspace_id, its policies'' column', relname)
from relation
where relkind in ('r', 'p')
  and namespace = 'public'::regnamespace
  and relname <> 'wa_workspaces'
  and not exists (
    select from pg_index
    inner join pg_attribute on attrelid = indrelid and attnum = indkey[0]
    where indrelid = relation.oid and attname = 'workspace_id'
  )

union all
select format('public.%s has no policy for select', relname)
from relation
where relkind in ('r', 'p')
  and namespace = 'public'::regnamespace
  and not exists (select from pg_policy where polrelid = relation.oid and polcmd = 'r')

union all
select format('policy "%s" on %s names no role, or anon', polname, polrelid::regclass)
from pg_policy
where polrelid in (select oid from relation)
  and (0 = any(polroles) or 'anon'::regrole = any(polroles))

union all
select format('policy "%s" on %s is for all verbs at once', polname, polrelid::regclass)
from pg_policy
where polrelid in (select oid from relation) and polcmd = '*'

union all
select format('policy "%s" lets an update move a row out of reach', polname)
from pg_policy
where polrelid in (select oid from relation) and polcmd = 'w' and polwithcheck is null

union all
select format('anon may %s %s.%s', privilege, namespace, relname)
from relation
cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
where relkind <> 'S' and has_table_privilege('anon', relation.oid, privilege)

union all
select format('anon may %s columns of %s.%s', privilege, namespace, relname)
from relation
cross join unnest(array['select', 'insert', 'update', 'references']) as privilege
where relkind <> 'S' and has_any_column_privilege('anon', relation.oid, privilege)

union all
select format('%s may use sequence %s.%s', api_role, namespace, relname)
from relation
cross join unnest(array['anon', 'authenticated']) as api_role
where relkind = 'S' and has_sequence_privilege(api_role, relation.oid, 'usage, select, update')

union all
select format('authenticated may %s wa_private.%s', privilege, relname)
from relation
cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate']) as privilege
where relkind <> 'S'
  and namespace = 'wa_private'::regnamespace
  and has_table_privilege('authenticated', relation.oid, privilege)

union all
select format('service_role may not %s %s.%s', privilege, namespace, relname)
from relation
cross join unnest(array['select', 'insert', 'update', 'delete']) as privilege
where relkind in ('r', 'p') and not has_table_privilege('service_role', relation.oid, privilege)

union all
select format('%s does not set search_path = ''''', signature)
from routine
where not coalesce(proconfig, '{}') && array['search_path=""', 'search_path=']

union all
select format('%s is security definer in an exposed schema', signature)
from routine
where prosecdef and namespace = 'public'::regnamespace

union all
select format('anon may execute %s', signature)
from routine
where has_function_privilege('anon', oid, 'execute')

union all
-- What a signed-in user may call; everything else is the connector's.
select format('authenticated may execute %s', signature)
from routine
where has_function_privilege('authenticated', oid, 'execute')
  and proname not in (
    'wa_create_workspace', 'create_workspace', 'my_workspace_ids', 'my_workspace_ids_as',
    'wa_check_numbers', 'check_numbers',
    'wa_cancel_outbox', 'cancel_outbox', 'wa_resolve_outbox', 'resolve_outbox',
    'wa_pause_sending', 'pause_by_member', 'wa_resume_sending', 'resume_by_member',
    'wa_why_waiting', 'reasons_to_wait', 'wa_health', 'living_connectors'
  )

union all
select format('service_role may not execute %s', signature)
from routine
where namespace = 'public'::regnamespace
  and proname <> 'wa_create_workspace'
  and not has_function_privilege('service_role', oid, 'execute')

union all
select format('%s has no index for foreign key %s', conrelid::regclass, conname)
from foreign_key
where not exists (
  select from pg_index as candidate
  where candidate.indrelid = foreign_key.conrelid
    and (candidate.indkey::int2[])[0:cardinality(foreign_key.conkey) - 1] @> foreign_key.conkey
)

union all
select format('%s.%s has no comment', namespace, relname)
from relation
where relkind <> 'S' and obj_description(relation.oid, 'pg_class') is null

union all
select format('%s has no comment', signature)
from routine
where obj_description(oid, 'pg_proc') is null
