-- Purpose: tell the REST part of the gateway that the schema has changed, as the event
-- triggers of a hosted project do: `notify pgrst` reaches it when the change commits.

create or replace function extensions.pgrst_ddl_watch()
returns event_trigger
language plpgsql
set search_path = ''
as $$
begin
  -- Temporary objects are nobody else's business and would empty the cache for nothing.
  if exists (
    select from pg_catalog.pg_event_trigger_ddl_commands() as command
    where command.schema_name is distinct from 'pg_temp'
  ) then
    perform pg_catalog.pg_notify('pgrst', 'reload schema');
  end if;
end;
$$;

create or replace function extensions.pgrst_drop_watch()
returns event_trigger
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select from pg_catalog.pg_event_trigger_dropped_objects() as dropped
    where not dropped.is_temporary
  ) then
    perform pg_catalog.pg_notify('pgrst', 'reload schema');
  end if;
end;
$$;

do $$
begin
  drop event trigger if exists pgrst_ddl_watch;
  create event trigger pgrst_ddl_watch on ddl_command_end
  execute function extensions.pgrst_ddl_watch();

  drop event trigger if exists pgrst_drop_watch;
  create event trigger pgrst_drop_watch on sql_drop
  execute function extensions.pgrst_drop_watch();
end $$;
