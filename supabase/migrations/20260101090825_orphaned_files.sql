-- Purpose: files in Storage that no row names any more. Their bytes are with the Storage server: who deletes the row of
-- storage.objects leaves them behind, so this only names them, and the connector removes them there.
-- Affects: an index on public.wa_attachments, wa_private.named_files, wa_orphaned_files (new).
--
--   <workspace>/<session>/<yyyy>/<mm>/…     what was received    after a day
--   <workspace>/<session>/avatars/…         pictures             after a day
--   <workspace>/outbox/…                    what apps send       after a month
--
-- Everything else in the bucket is somebody else's.

create index wa_attachments_storage_path_idx on public.wa_attachments (storage_path) where storage_path is not null;

create function wa_private.named_files(p_paths text[])
returns setof text
language plpgsql
stable
security invoker
set search_path = ''
-- As wa_store_batch does: its plans are made while the tables are still empty, and kept.
set enable_seqscan = off
as $$
declare
  sessions uuid[];
  workspaces uuid[];
begin
  select array_agg(distinct substring(given.path from '^[^/]+/([0-9a-f-]{36})/avatars/')::uuid) into sessions
  from unnest(p_paths) as given (path);
  select array_agg(distinct split_part(given.path, '/', 1)::uuid) into workspaces
  from unnest(p_paths) as given (path);
  return query
  select contact.avatar_path
  from public.wa_contacts as contact
  where contact.session_id = any(sessions) and contact.avatar_path = any(p_paths)
  union all
  select chat.avatar_path
  from public.wa_chats as chat
  where chat.session_id = any(sessions) and chat.avatar_path = any(p_paths)
  union all
  -- A row that is still to be sent needs its file, though nobody has a message any more that shows it.
  select entry.payload ->> 'storage_path'
  from public.wa_sessions as session
  inner join public.wa_outbox as entry on entry.session_id = session.id
  where session.workspace_id = any(workspaces)
    and entry.state = 'queued'
    and entry.payload ->> 'storage_path' = any(p_paths)
  union all
  select entry.payload ->> 'storage_path'
  from public.wa_outbox as entry
  where entry.workspace_id = any(workspaces)
    and entry.message_id is null
    and entry.state in ('claimed', 'sending', 'uncertain')
    and entry.payload ->> 'storage_path' = any(p_paths);
end;
$$;
comment on function wa_private.named_files(text[]) is
'Which of these files something names besides attachments: pictures that followed a person to another row, and rows '
'of the outbox without a message.';

create function public.wa_orphaned_files(p_limit integer default 1000)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  one constant text := '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
  received constant text := format('^%s/%1$s/([0-9]{4}/[0-9]{2}|avatars/%1$s)/[^/]+$', one);
  uploaded constant text := format('^%s/outbox/', one);
  -- Whose picture it is; members put files where they like below outbox/.
  pictured constant text := format('^%s/%1$s/avatars/(%1$s)/', one);
  received_oldest constant timestamptz := wa_private.kept_since('orphaned_files');
  uploaded_oldest constant timestamptz := wa_private.kept_since('app_uploads');
  most constant integer := least(greatest(coalesce(p_limit, 1000), 1), 10000);
  reached text[] := wa_private.walk_from('files');
  unnamed text[];
begin
  if not wa_private.walk_is_due('files')
    or not pg_try_advisory_xact_lock(hashtextextended('zapbase orphaned files', 0))
  then
    return '{"paths": [], "more": false}';
  end if;
  with looked_at as materialized (
    select file.name, greatest(file.created_at, file.updated_at) as at
    from storage.objects as file
    where file.bucket_id = 'wa-media' and file.name > coalesce(reached[1], '')
    order by file.name
    limit most
  ),
  nameless as (
    select file.name
    from looked_at as file
    where file.at < case
        when file.name ~ received then received_oldest when file.name ~ uploaded then uploaded_oldest
      end
      and not exists (
        select from public.wa_attachments as attachment
        where attachment.storage_path = file.name and attachment.bucket = 'wa-media'
      )
      -- Nearly always a picture is that of the row it is called after.
      and not exists (
        select from public.wa_contacts as contact
        where contact.id = substring(file.name from pictured)::uuid
          and contact.avatar_path = file.name
      )
      and not exists (
        select from public.wa_chats as chat
        where chat.id = substring(file.name from pictured)::uuid
          and chat.avatar_path = file.name
      )
  )
  select
    (select array_agg(nameless.name) from nameless),
    (select array[last.name] from looked_at as last order by last.name offset most - 1 limit 1)
  into unnamed, reached;
  if unnamed is not null then
    unnamed := array(
      select candidate.path
      from unnest(unnamed) as candidate (path)
      where candidate.path not in (select known.path from wa_private.named_files(unnamed) as known (path))
      order by candidate.path
    );
  end if;
  perform wa_private.note_walk('files', reached);
  return jsonb_build_object('paths', to_jsonb(coalesce(unnamed, '{}')), 'more', reached is not null);
end;
$$;
comment on function public.wa_orphaned_files(integer) is
'Of the next p_limit files of the bucket wa-media, those that are old and that nothing names: {paths, more}. Who asks '
'removes them through Storage at once; what is not removed is named again at the next walk, a day later.';

revoke execute on function wa_private.named_files(text[]) from public, anon, authenticated;
revoke execute on function public.wa_orphaned_files(integer) from public, anon, authenticated;
grant execute on function wa_private.named_files(text[]) to service_role;
grant execute on function public.wa_orphaned_files(integer) to service_role;
