-- Purpose: who fetches which file, and what became of it.
-- Affects: wa_private.settle_without_fetching, wa_claim_media, wa_finish_media (new).
--
--   pending -> stored | failed | expired | too_large
--   pending -> pending, not before next_attempt_at
--
-- A file whose row is deleted stays in the bucket, since others may share it: what no row names any more is for
-- housekeeping to collect.

create function wa_private.settle_without_fetching(
  p_session_id uuid, p_attachment_id uuid, p_file_sha256 bytea, p_most_bytes bigint
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update public.wa_attachments as file
  set
    state = 'stored', bucket = twin.bucket, storage_path = twin.storage_path, mime_type = twin.mime_type, size_bytes = twin.size_bytes,
    sha256 = twin.sha256, error_code = null
  from (
    select stored.bucket, stored.storage_path, stored.mime_type, stored.size_bytes, stored.sha256
    from public.wa_attachments as stored
    where stored.session_id = p_session_id
      and stored.sha256 = encode(p_file_sha256, 'hex')
      and stored.state = 'stored'
    order by stored.created_at
    limit 1
  ) as twin
  where file.id = p_attachment_id and file.state = 'pending';
  if not found then
    update public.wa_attachments as file
    set state = 'too_large', error_code = 'too_large'
    where file.id = p_attachment_id and file.state = 'pending' and file.size_bytes > p_most_bytes;
  end if;
  if not found then
    update public.wa_attachments as file
    set state = 'failed', error_code = 'incomplete'
    from wa_private.attachment_keys as key
    where file.id = p_attachment_id and file.state = 'pending' and key.attachment_id = file.id
      and num_nulls(key.media_type, key.direct_path, key.media_key, key.file_sha256, key.file_enc_sha256) > 0;
  end if;
  if not found then
    return false;
  end if;
  update wa_private.attachment_keys as key
  set awaited = false
  where key.attachment_id = p_attachment_id;
  return true;
end;
$$;
comment on function wa_private.settle_without_fetching(uuid, uuid, bytea, bigint) is
'Whether a file is settled: an equal one of the session is stored, or it cannot or must not be fetched.';

create function public.wa_claim_media(
  p_session_id uuid, p_term bigint, p_limit integer, p_lease interval, p_most_bytes bigint
)
returns table (
  id uuid,
  message_sent_at timestamptz,
  workspace_id uuid,
  media_type text,
  direct_path text,
  media_key text,
  file_sha256 text,
  file_enc_sha256 text,
  size_bytes bigint,
  mime_type text,
  file_name text,
  attempts integer
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
  -- However many settle by themselves, a call ends.
  most_looked_at constant integer := 500;
  claimed uuid[] := '{}';
  candidate record;
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  -- Merges move files from message to message.
  perform wa_private.take_turns(p_session_id);
  for candidate in
    select key.attachment_id, key.file_sha256
    from wa_private.attachment_keys as key
    where key.session_id = p_session_id
      and key.awaited
      and key.next_attempt_at <= now()
      -- What another connector was at under an older term, nobody is at.
      and (key.leased_until <= now() or key.claim_term < p_term)
    order by key.sent_at desc, key.attachment_id
    limit most_looked_at
    for update skip locked
  loop
    exit when cardinality(claimed) >= p_limit;
    continue when wa_private.settle_without_fetching(
      p_session_id, candidate.attachment_id, candidate.file_sha256, p_most_bytes
    );
    -- An equal file is on its way: this one will be stored with it, or has its turn when that fails.
    continue when exists (
      select from wa_private.attachment_keys as twin
      where twin.session_id = p_session_id
        and twin.file_sha256 = candidate.file_sha256
        and twin.awaited
        and twin.leased_until > now()
        and twin.claim_term = p_term
    );
    update wa_private.attachment_keys as key
    set claim_term = p_term, leased_until = now() + p_lease, attempts = key.attempts + 1
    where key.attachment_id = candidate.attachment_id;
    claimed := claimed || candidate.attachment_id;
  end loop;

  return query
  select
    file.id, key.sent_at, file.workspace_id, key.media_type, key.direct_path,
    translate(encode(key.media_key, 'base64'), E'\n', ''), encode(key.file_sha256, 'hex'),
    encode(key.file_enc_sha256, 'hex'), file.size_bytes, file.mime_type, file.file_name, key.attempts
  from wa_private.attachment_keys as key
  inner join public.wa_attachments as file on file.id = key.attachment_id
  where key.attachment_id = any(claimed)
  order by key.sent_at desc, key.attachment_id;
end;
$$;
comment on function public.wa_claim_media(uuid, bigint, integer, interval, bigint) is
'Files to fetch, newest first, that nobody else is fetching for p_lease; attempts counts this one. What is larger than '
'p_most_bytes or stored already is settled on the way. Raises ZB001 when the term is stale.';

create function public.wa_finish_media(p_session_id uuid, p_term bigint, p_results jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  changed integer;
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  -- Merges move files from message to message.
  perform wa_private.take_turns(p_session_id);

  with result as (
    select distinct on (given.id) given.*
    from jsonb_to_recordset(p_results) as given (
      id uuid, state text, storage_path text, mime_type text, size_bytes bigint, sha256 text, width integer,
      height integer, error_code text, retry_after_seconds double precision, begun boolean, held boolean
    )
    where given.state in ('pending', 'stored', 'failed', 'expired', 'too_large')
    order by given.id
  ),
  awaited as (
    select key.attachment_id
    from wa_private.attachment_keys as key
    where key.session_id = p_session_id
      and key.awaited
      and key.attachment_id in (select result.id from result)
    order by key.attachment_id
    for update
  ),
  noted as (
    update wa_private.attachment_keys as key
    set
      awaited = result.state = 'pending',
      leased_until = case when result.held then key.leased_until else '-infinity' end,
      next_attempt_at = case
        when result.state <> 'pending' or result.held then key.next_attempt_at
        else now() + make_interval(secs => coalesce(result.retry_after_seconds, 0))
      end,
      -- What was given back unbegun is not counted.
      attempts = greatest(key.attempts - (result.begun is not distinct from false)::integer, 0)
    from result
    inner join awaited on awaited.attachment_id = result.id
    where key.attachment_id = result.id
    returning key.attachment_id
  )
  update public.wa_attachments as file
  set
    state = result.state,
    storage_path = case when result.state = 'stored' then result.storage_path end,
    sha256 = case when result.state = 'stored' then lower(result.sha256) end,
    mime_type = coalesce(result.mime_type, file.mime_type),
    size_bytes = coalesce(result.size_bytes, file.size_bytes),
    width = coalesce(result.width, file.width),
    height = coalesce(result.height, file.height),
    error_code = case when result.state <> 'stored' then result.error_code end
  from result
  inner join noted on noted.attachment_id = result.id
  where file.id = result.id;
  get diagnostics changed = row_count;

  -- Equal files of the session need not be fetched any more; whoever is at one will hear that it is settled.
  perform wa_private.settle_without_fetching(p_session_id, twin.attachment_id, twin.file_sha256, null)
  from (
    select key.attachment_id, key.file_sha256
    from wa_private.attachment_keys as key
    where key.session_id = p_session_id
      and key.awaited
      and key.file_sha256 in (
        select decode(given.sha256, 'hex')
        from jsonb_to_recordset(p_results) as given (state text, sha256 text)
        where given.state = 'stored' and given.sha256 is not null
      )
    order by key.attachment_id
    for update
  ) as twin;
  return changed;
end;
$$;
comment on function public.wa_finish_media(uuid, bigint, jsonb) is
'What became of files: [{id, state, storage_path, mime_type, size_bytes, sha256, width, height, error_code, '
'retry_after_seconds, begun, held}]. pending: to be tried again after retry_after_seconds; begun false: it was not '
'even tried; held: the claim goes on. Equal files of the session become stored along. Twice is once; returns how '
'many rows changed. Raises ZB001 when the term is stale.';

revoke execute on function wa_private.settle_without_fetching(uuid, uuid, bytea, bigint)
from public, anon, authenticated;
revoke execute on function public.wa_claim_media(uuid, bigint, integer, interval, bigint)
from public, anon, authenticated;
revoke execute on function public.wa_finish_media(uuid, bigint, jsonb) from public, anon, authenticated;
grant execute on function wa_private.settle_without_fetching(uuid, uuid, bytea, bigint) to service_role;
grant execute on function public.wa_claim_media(uuid, bigint, integer, interval, bigint) to service_role;
grant execute on function public.wa_finish_media(uuid, bigint, jsonb) to service_role;
