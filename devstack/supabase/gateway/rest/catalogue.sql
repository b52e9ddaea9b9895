-- The exposed schemas ($1 text[]) as one JSON document, for schema_cache.py.
-- Run with an empty search_path, so that format_type() qualifies what needs it.
with exposed as (
  select
    schema.oid,
    schema.nspname as name
  from pg_catalog.pg_namespace as schema
  where schema.nspname = any($1::text[])
),

relations as (
  select
    relation.oid,
    exposed.name as schema,
    relation.relname as name
  from pg_catalog.pg_class as relation
  inner join exposed on relation.relnamespace = exposed.oid
  where relation.relkind in ('r', 'p', 'v', 'm', 'f')
),

column_names as (
  select
    attribute.attrelid,
    attribute.attnum,
    attribute.attname
  from pg_catalog.pg_attribute as attribute
  inner join relations on attribute.attrelid = relations.oid
  where attribute.attnum > 0 and not attribute.attisdropped
),

table_columns as (
  select
    attribute.attrelid,
    json_agg(
      json_build_object(
        'name', attribute.attname,
        'type', format_type(attribute.atttypid, attribute.atttypmod),
        'default', case
          when attribute.attgenerated <> '' then null
          when attribute.attidentity <> ''
            then format('nextval(%L)', pg_get_serial_sequence(
              format('%I.%I', relations.schema, relations.name), attribute.attname
            ))
          else coalesce(
            pg_get_expr(expression.adbin, expression.adrelid), type.typdefault
          )
        end
      ) order by attribute.attnum
    ) as columns
  from pg_catalog.pg_attribute as attribute
  inner join relations on attribute.attrelid = relations.oid
  inner join pg_catalog.pg_type as type on attribute.atttypid = type.oid
  left join pg_catalog.pg_attrdef as expression
    on attribute.attrelid = expression.adrelid and attribute.attnum = expression.adnum
  where attribute.attnum > 0 and not attribute.attisdropped
  group by attribute.attrelid
),

primary_keys as (
  select
    key.conrelid,
    json_agg(column_names.attname order by position.number) as columns
  from pg_catalog.pg_constraint as key
  cross join unnest(key.conkey) with ordinality as position (attnum, number)
  inner join column_names
    on key.conrelid = column_names.attrelid and position.attnum = column_names.attnum
  where key.contype = 'p'
  group by key.conrelid
),

foreign_keys as (
  select
    key.conname,
    source.schema,
    source.name,
    target.schema as target_schema,
    target.name as target,
    json_agg(source_column.attname order by position.number) as columns,
    json_agg(target_column.attname order by position.number) as target_columns,
    exists(
      select 1
      from pg_catalog.pg_constraint as alone
      where alone.conrelid = key.conrelid
        and alone.contype in ('p', 'u')
        and alone.conkey <@ key.conkey
    ) as is_unique
  from pg_catalog.pg_constraint as key
  inner join relations as source on key.conrelid = source.oid
  inner join relations as target on key.confrelid = target.oid
  cross join unnest(key.conkey, key.confkey)
    with ordinality as position (attnum, target_attnum, number)
  inner join column_names as source_column
    on key.conrelid = source_column.attrelid and position.attnum = source_column.attnum
  inner join column_names as target_column
    on key.confrelid = target_column.attrelid
      and position.target_attnum = target_column.attnum
  where key.contype = 'f' and key.conparentid = 0
  group by
    key.oid, key.conname, key.conrelid, key.conkey,
    source.schema, source.name, target.schema, target.name
),

arguments as (
  select
    routine.oid,
    routine.pronargs - routine.pronargdefaults as required,
    coalesce(argument.name, '') as name,
    format_type(argument.type, null) as type,
    coalesce(argument.mode::text, 'i') as mode,
    -- Counts inputs only: output arguments may stand between them.
    row_number() over (partition by routine.oid order by argument.position) as number
  from pg_catalog.pg_proc as routine
  inner join exposed on routine.pronamespace = exposed.oid
  cross join
    unnest(
      coalesce(routine.proallargtypes, routine.proargtypes::oid[]),
      routine.proargmodes,
      routine.proargnames
    ) with ordinality as argument (type, mode, name, position)
  where argument.type is not null
    and coalesce(argument.mode::text, 'i') in ('i', 'b', 'v')
),

parameters as (
  select
    arguments.oid,
    json_agg(
      json_build_object(
        'name', arguments.name,
        'type', arguments.type,
        'required', arguments.number <= arguments.required,
        'variadic', arguments.mode = 'v'
      ) order by arguments.number
    ) as inputs
  from arguments
  group by arguments.oid
),

functions as (
  select
    exposed.name as schema,
    routine.proname as name,
    parameters.inputs,
    routine.proretset as is_set,
    routine.provolatile = 'v' as is_volatile,
    case
      when routine.prorettype = 'void'::regtype then 'void'
      when coalesce(base.typtype, result.typtype) = 'c'
        or coalesce(routine.proargmodes::text[] && array['t', 'b', 'o'], false)
        then 'composite'
      else 'scalar'
    end as returns,
    (
      select json_build_object('schema', relations.schema, 'name', relations.name)
      from relations
      where relations.oid = result.typrelid and result.typrelid <> 0
    ) as returns_table
  from pg_catalog.pg_proc as routine
  inner join exposed on routine.pronamespace = exposed.oid
  inner join pg_catalog.pg_type as result on routine.prorettype = result.oid
  left join pg_catalog.pg_type as base on result.typbasetype = base.oid
  left join parameters on routine.oid = parameters.oid
  where routine.prokind = 'f' and routine.prorettype <> 'trigger'::regtype
)

select json_build_object(
  'tables', (
    select coalesce(json_agg(json_build_object(
      'schema', relations.schema,
      'name', relations.name,
      'columns', coalesce(table_columns.columns, '[]'),
      'primary_key', coalesce(primary_keys.columns, '[]')
    )), '[]')
    from relations
    left join table_columns on relations.oid = table_columns.attrelid
    left join primary_keys on relations.oid = primary_keys.conrelid
  ),
  'foreign_keys', (
    select coalesce(json_agg(json_build_object(
      'constraint', foreign_keys.conname,
      'schema', foreign_keys.schema,
      'table', foreign_keys.name,
      'columns', foreign_keys.columns,
      'target_schema', foreign_keys.target_schema,
      'target', foreign_keys.target,
      'target_columns', foreign_keys.target_columns,
      'unique', foreign_keys.is_unique
    ) order by foreign_keys.conname), '[]')
    from foreign_keys
  ),
  'functions', (
    select coalesce(json_agg(json_build_object(
      'schema', functions.schema,
      'name', functions.name,
      'parameters', coalesce(functions.inputs, '[]'),
      'returns', functions.returns,
      'is_set', functions.is_set,
      'is_volatile', functions.is_volatile,
      'returns_table', functions.returns_table
    )), '[]')
    from functions
  )
)::text as catalogue;
