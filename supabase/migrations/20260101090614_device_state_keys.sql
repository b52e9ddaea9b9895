-- Purpose: which keys the saved device states are sealed with, and their exchange in place (docs/device-state.md).
-- Affects: wa_private.sealed_by, wa_device_state_keys, wa_reseal_device_pages (new).

create function wa_private.sealed_by(p_sealed bytea)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select encode(substr(p_sealed, 2, 4), 'hex');
$$;
comment on function wa_private.sealed_by(bytea) is 'The id of the WA_STATE_KEY that sealed a value.';

create function public.wa_device_state_keys(p_after uuid, p_limit integer)
returns table (
  session_id uuid,
  state_keys text[],
  claim_keys text[],
  is_held boolean
)
language sql
stable
security invoker
set search_path = ''
as $$
  select
    state.session_id,
    array(
      select wa_private.sealed_by(state.manifest)
      union
      select wa_private.sealed_by(page.sealed)
      from wa_private.device_pages as page
      where page.session_id = state.session_id and page.generation <= state.generation
      order by 1
    ),
    array(
      select split_part(entry.claim_lineage, '/', 2)
      from public.wa_outbox as entry
      where entry.session_id = state.session_id and entry.state in ('claimed', 'sending') and entry.settle_by is null
      order by 1
    ),
    exists (
      select 1
      from wa_private.session_leases as lease
      where lease.session_id = state.session_id and lease.expires_at > now()
    )
  from wa_private.device_states as state
  where state.manifest is not null and (p_after is null or state.session_id > p_after)
  order by state.session_id
  limit p_limit;
$$;
comment on function public.wa_device_state_keys(uuid, integer) is
'Saved device states in the order of their sessions, from after p_after on: the keys that sealed parts of each, the '
'key of each message that is being sent, and whether a connector runs it.';

create function public.wa_reseal_device_pages(
  p_session_id uuid, p_term bigint, p_generation bigint, p_pages jsonb, p_manifest text
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  exchanged integer;
begin
  perform from wa_private.hold_lease(p_session_id, p_term, null);
  -- Writers of one state wait here for one another.
  perform from wa_private.device_states as state
  where state.session_id = p_session_id and state.generation = p_generation and state.manifest is not null
  for update;
  if not found then
    raise exception 'generation % is not the newest', p_generation using errcode = 'ZB002';
  end if;

  update wa_private.device_pages as page
  set sealed = decode(given.sealed, 'base64')
  from jsonb_to_recordset(p_pages) as given (page integer, generation bigint, sealed text)
  where page.session_id = p_session_id and page.page = given.page and page.generation = given.generation;
  get diagnostics exchanged = row_count;
  if exchanged <> jsonb_array_length(p_pages) then
    raise exception '% pages of % are there', exchanged, jsonb_array_length(p_pages) using errcode = '22023';
  end if;

  update wa_private.device_states as state
  set manifest = decode(p_manifest, 'base64')
  where state.session_id = p_session_id and p_manifest is not null;
end;
$$;
comment on function public.wa_reseal_device_pages(uuid, bigint, bigint, jsonb, text) is
'Exchanges the seals of pages [{page, generation, sealed}] of the newest generation, and of its manifest unless that '
'is null: what they hold stays. Raises ZB001 when the term is stale, ZB002 when another generation is the newest, '
'22023 when a page is not there.';

revoke execute on function wa_private.sealed_by(bytea) from public, anon, authenticated;
revoke execute on function public.wa_device_state_keys(uuid, integer) from public, anon, authenticated;
revoke execute on function public.wa_reseal_device_pages(uuid, bigint, bigint, jsonb, text)
from public, anon, authenticated;
grant execute on function wa_private.sealed_by(bytea) to service_role;
grant execute on function public.wa_device_state_keys(uuid, integer) to service_role;
grant execute on function public.wa_reseal_device_pages(uuid, bigint, bigint, jsonb, text) to service_role;
