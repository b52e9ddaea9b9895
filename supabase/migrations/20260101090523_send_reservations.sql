-- Purpose: what counts against a session's limits: reserved with the claim, settled by its result (docs/pacing.md).
-- Affects: wa_private.is_stranger, is_first_contact, is_sending, reserve_sends, settle_sends (new).

create function wa_private.is_stranger(p_chat_id uuid)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
-- As wa_store_batch does: its plans are made while the tables are still empty, and kept.
set enable_seqscan = off
as $$
begin
  return exists (
    select from public.wa_chats as chat where chat.id = p_chat_id and chat.kind = 'direct'
  ) and not exists (
    select from public.wa_messages as theirs where theirs.chat_id = p_chat_id and not theirs.from_me
  );
end;
$$;
comment on function wa_private.is_stranger(uuid) is 'Whether a chat is with somebody who never wrote.';

create function wa_private.is_first_contact(p_session_id uuid, p_chat_id uuid, p_now timestamptz)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
set enable_seqscan = off
as $$
begin
  return wa_private.is_stranger(p_chat_id) and not exists (
    select from wa_private.sends as earlier
    where earlier.session_id = p_session_id
      and earlier.chat_id = p_chat_id
      and earlier.first_contact
      and earlier.at > p_now - interval '24 hours'
  );
end;
$$;
comment on function wa_private.is_first_contact(uuid, uuid, timestamptz) is
'Whether a message would be the first within 24 hours to somebody who never wrote.';

create function wa_private.is_sending(p_session_id uuid)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
set enable_seqscan = off
as $$
begin
  return exists (
    select from public.wa_outbox as entry
    where entry.session_id = p_session_id
      and entry.state in ('claimed', 'sending')
      and entry.settle_by is null
      and entry.kind not in ('read', 'typing')
  );
end;
$$;
comment on function wa_private.is_sending(uuid) is
'Whether a message of this session is claimed, and nothing said of it yet.';

create function wa_private.reserve_sends(p_session_id uuid, p_ids uuid[], p_now timestamptz)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
begin
  -- As good a moment as any: what grows here is also what is swept here.
  delete from wa_private.sends as sent
  where sent.session_id = p_session_id and sent.at <= p_now - interval '24 hours';

  insert into wa_private.sends as sent (outbox_id, claim, session_id, chat_id, first_contact, at)
  select
    entry.id, entry.claims, p_session_id, entry.chat_id,
    wa_private.is_first_contact(p_session_id, entry.chat_id, p_now), p_now
  from public.wa_outbox as entry
  where entry.id = any(p_ids)
    and entry.kind not in ('read', 'typing')
  on conflict (outbox_id, claim) do update
  set at = greatest(sent.at, excluded.at);
end;
$$;
comment on function wa_private.reserve_sends(uuid, uuid[], timestamptz) is
'Counts what these rows'' current claims send as sent at p_now, or at a later time if that is known already.';

create function wa_private.settle_sends(p_session_id uuid, p_results jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  -- What WhatsApp itself refused was at its door, and counts; connector/domain/outgoing/refusals.py.
  refused constant text[] := array[
    'refused_malformed', 'refused_forbidden', 'chat_not_found', 'group_changed', 'server_error', 'refused'
  ];
  went uuid[];
begin
  with result as (
    select
      entry.id, entry.claims, entry.state,
      given.outcome in ('sent', 'awaiting_receipt', 'uncertain') or given.code = any(refused) as went
    from jsonb_to_recordset(p_results) as given (id uuid, claims integer, outcome text, code text)
    -- A lateral, so that each row is looked up by its id however stale the planner's statistics.
    cross join lateral (
      select named.id, named.session_id, named.claims, named.state
      from public.wa_outbox as named
      where named.id = given.id
      offset 0
    ) as entry
    where entry.session_id = p_session_id
      -- What is said of an earlier claim, and comes late, is not about the one under way.
      and coalesce(given.claims, entry.claims) = entry.claims
  ),
  given_back as (
    delete from wa_private.sends as sent
    using result
    where sent.outbox_id = result.id and sent.claim = result.claims
      and not coalesce(result.went, false)
      -- A late word about a row that is settled unsends nothing.
      and result.state in ('queued', 'claimed', 'sending', 'failed')
    returning sent.outbox_id
  )
  select array_agg(result.id) into went from result where result.went;

  if went is not null and exists (
    select from public.wa_sessions as session where session.id = p_session_id and wa_private.is_paced(session)
  ) then
    perform wa_private.reserve_sends(p_session_id, went, now());
  end if;
end;
$$;
comment on function wa_private.settle_sends(uuid, jsonb) is
'Lets what was reserved follow results as wa_exchange_outbox takes them, before or after their rows are written: what '
'may have been sent counts from now on, what never left is given back.';

revoke execute on function wa_private.is_stranger(uuid) from public, anon, authenticated;
revoke execute on function wa_private.is_first_contact(uuid, uuid, timestamptz) from public, anon, authenticated;
revoke execute on function wa_private.is_sending(uuid) from public, anon, authenticated;
revoke execute on function wa_private.reserve_sends(uuid, uuid[], timestamptz) from public, anon, authenticated;
revoke execute on function wa_private.settle_sends(uuid, jsonb) from public, anon, authenticated;
grant execute on function wa_private.is_stranger(uuid) to service_role;
grant execute on function wa_private.is_first_contact(uuid, uuid, timestamptz) to service_role;
grant execute on function wa_private.is_sending(uuid) to service_role;
grant execute on function wa_private.reserve_sends(uuid, uuid[], timestamptz) to service_role;
grant execute on function wa_private.settle_sends(uuid, jsonb) to service_role;
