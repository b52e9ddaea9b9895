-- Purpose: how a session's device state is saved, loaded and forgotten (docs/device-state.md).
-- Affects: wa_private.next_device_state, wa_private.put_device_pages, wa_stage_device_pages, wa_save_device_state,
-- wa_load_device_state, wa_load_device_pages, wa_forget_device_state (new).
--
-- Pages travel as [{page, sealed}], sealed in base64. A state that is too large for one call is staged beforehand: what
-- is staged counts once wa_save_device_state has named its generation, and is deleted if that never happens.

create function wa_private.next_device_state(p_session_id uuid, p_term bigint, p_generation bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  newest bigint;
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  insert into wa_private.device_states (session_id) values (p_session_id) on conflict (session_id) do nothing;
  -- Writers of one state wait here for one another.
  select state.generation into newest
  from wa_private.device_states as state
  where state.session_id = p_session_id
  for update;
  if p_generation is distinct from newest + 1 then
    raise exception 'generation % does not follow %', p_generation, newest using errcode = 'ZB002';
  end if;
end;
$$;
comment on function wa_private.next_device_state(uuid, bigint, bigint) is
'Lets one writer make the next generation. Raises ZB001 when the term is stale, ZB002 when the generation does not '
'follow.';

create function wa_private.put_device_pages(p_session_id uuid, p_generation bigint, p_pages jsonb, p_fresh boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
begin
  if p_fresh then
    -- Left by a save that was given up.
    delete from wa_private.device_pages as page
    where page.session_id = p_session_id and page.generation >= p_generation;
  end if;
  insert into wa_private.device_pages (session_id, page, generation, sealed)
  select p_session_id, given.page, p_generation, decode(given.sealed, 'base64')
  from jsonb_to_recordset(p_pages) as given (page integer, sealed text)
  on conflict (session_id, page, generation) do update
  set sealed = excluded.sealed;
end;
$$;
comment on function wa_private.put_device_pages(uuid, bigint, jsonb, boolean) is
'Writes pages of a generation that is being made; p_fresh: they are the first of it.';

create function public.wa_stage_device_pages(
  p_session_id uuid, p_term bigint, p_generation bigint, p_pages jsonb, p_fresh boolean
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform wa_private.next_device_state(p_session_id, p_term, p_generation);
  perform wa_private.put_device_pages(p_session_id, p_generation, p_pages, p_fresh);
end;
$$;
comment on function public.wa_stage_device_pages(uuid, bigint, bigint, jsonb, boolean) is
'Brings pages [{page, sealed}] of the next generation beforehand; p_fresh: the first ones. They count once '
'wa_save_device_state names that generation. Raises ZB001 when the term is stale, ZB002 when the generation does not '
'follow.';

create function public.wa_save_device_state(
  p_session_id uuid, p_term bigint, p_generation bigint, p_manifest text, p_pages jsonb, p_page_count integer,
  p_fresh boolean
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  present bigint;
begin
  perform wa_private.next_device_state(p_session_id, p_term, p_generation);
  perform wa_private.put_device_pages(p_session_id, p_generation, p_pages, p_fresh);
  delete from wa_private.device_pages as old
  using wa_private.device_pages as new
  where new.session_id = p_session_id
    and new.generation = p_generation
    and old.session_id = new.session_id
    and old.page = new.page
    and old.generation < new.generation;
  delete from wa_private.device_pages as page
  where page.session_id = p_session_id and page.page >= p_page_count;
  update wa_private.device_states as state
  set
    generation = p_generation, term = p_term, page_count = p_page_count,
    manifest = decode(p_manifest, 'base64'), saved_at = now()
  where state.session_id = p_session_id;

  select count(*) into present
  from wa_private.device_pages as page
  where page.session_id = p_session_id;
  if present <> p_page_count then
    raise exception '% pages of % would be there', present, p_page_count using errcode = '22023';
  end if;
end;
$$;
comment on function public.wa_save_device_state(uuid, bigint, bigint, text, jsonb, integer, boolean) is
'Makes the next generation of a device state: all of it or nothing. Of p_page_count pages, those that changed come as '
'[{page, sealed}], or were staged (then p_fresh is false); the others stay as they are, those beyond p_page_count are '
'deleted. Raises ZB001 when the term is stale, ZB002 when the generation does not follow the newest, 22023 when a page '
'would be missing.';

create function public.wa_load_device_state(p_session_id uuid, p_term bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  return (
    select jsonb_build_object(
      'generation', state.generation,
      'manifest', translate(encode(state.manifest, 'base64'), E'\n', '')
    )
    from wa_private.device_states as state
    where state.session_id = p_session_id and state.generation > 0
  );
end;
$$;
comment on function public.wa_load_device_state(uuid, bigint) is
'The newest generation: {generation, manifest (base64; null: it was forgotten)}; null when nothing was ever saved. '
'Raises ZB001 when the term is stale.';

create function public.wa_load_device_pages(p_session_id uuid, p_term bigint, p_first integer, p_limit integer)
returns table (page integer, generation bigint, sealed text)
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  return query
  select stored.page, stored.generation, translate(encode(stored.sealed, 'base64'), E'\n', '')
  from wa_private.device_pages as stored
  inner join wa_private.device_states as state on state.session_id = stored.session_id
  where stored.session_id = p_session_id
    and stored.page >= p_first
    and stored.generation <= state.generation
  order by stored.page
  limit p_limit;
end;
$$;
comment on function public.wa_load_device_pages(uuid, bigint, integer, integer) is
'Pages of the newest generation in order, from p_first on. Raises ZB001 when the term is stale.';

create function public.wa_forget_device_state(p_session_id uuid, p_term bigint)
returns bigint
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  forgotten bigint;
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  insert into wa_private.device_states as state (session_id, generation, term)
  values (p_session_id, 1, p_term)
  on conflict (session_id) do update
  set generation = state.generation + 1, term = p_term, page_count = 0, manifest = null, saved_at = now()
  returning generation into forgotten;
  delete from wa_private.device_pages as page
  where page.session_id = p_session_id;
  return forgotten;
end;
$$;
comment on function public.wa_forget_device_state(uuid, bigint) is
'Deletes what is saved of a session, once WhatsApp has revoked its keys; returns the generation that says so. Raises '
'ZB001 when the term is stale.';

revoke execute on function wa_private.next_device_state(uuid, bigint, bigint) from public, anon, authenticated;
revoke execute on function wa_private.put_device_pages(uuid, bigint, jsonb, boolean) from public, anon, authenticated;
revoke execute on function public.wa_stage_device_pages(uuid, bigint, bigint, jsonb, boolean)
from public, anon, authenticated;
revoke execute on function public.wa_save_device_state(uuid, bigint, bigint, text, jsonb, integer, boolean)
from public, anon, authenticated;
revoke execute on function public.wa_load_device_state(uuid, bigint) from public, anon, authenticated;
revoke execute on function public.wa_load_device_pages(uuid, bigint, integer, integer) from public, anon, authenticated;
revoke execute on function public.wa_forget_device_state(uuid, bigint) from public, anon, authenticated;
grant execute on function wa_private.next_device_state(uuid, bigint, bigint) to service_role;
grant execute on function wa_private.put_device_pages(uuid, bigint, jsonb, boolean) to service_role;
grant execute on function public.wa_stage_device_pages(uuid, bigint, bigint, jsonb, boolean) to service_role;
grant execute on function public.wa_save_device_state(uuid, bigint, bigint, text, jsonb, integer, boolean)
to service_role;
grant execute on function public.wa_load_device_state(uuid, bigint) to service_role;
grant execute on function public.wa_load_device_pages(uuid, bigint, integer, integer) to service_role;
grant execute on function public.wa_forget_device_state(uuid, bigint) to service_role;
