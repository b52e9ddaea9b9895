-- Purpose: what becomes of rows of the outbox, as the connector says it, and by time (docs/outbox.md).
-- Affects: wa_private.record_outbox_results, has_overdue_outbox, sweep_outbox (new).
-- (What is called here is in later files: a function's body is read when it runs.)

create function wa_private.record_outbox_results(p_session_id uuid, p_results jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  settle_within constant interval := '2 minutes';
  result record;
  entry public.wa_outbox;
  chat_ids uuid[];
  chats_named uuid[] := '{}';
  names text[] := '{}';
begin
  -- Laterals, so that each row is looked up by its id however stale the planner's statistics.
  select array_agg(distinct named.chat_id) into chat_ids
  from jsonb_to_recordset(p_results) as row (id uuid)
  cross join lateral (
    select known.chat_id, known.session_id from public.wa_outbox as known where known.id = row.id offset 0
  ) as named
  where named.session_id = p_session_id;
  -- Chats first and by address, as everybody does who writes to several: nobody deadlocks.
  perform from public.wa_chats as chat
  where chat.id = any(chat_ids)
  order by chat.jid
  for no key update;
  for result in
    select row.*
    from jsonb_to_recordset(p_results) as row (
      id uuid, outcome text, claims integer, whatsapp_id text, sent_at timestamptz,
      code text, message text, retry_after_seconds double precision, pause jsonb
    )
    cross join lateral (
      select known.seq, known.session_id from public.wa_outbox as known where known.id = row.id offset 0
    ) as named
    where named.session_id = p_session_id
    -- What is answered before its answer.
    order by named.seq
  loop
    update public.wa_outbox as target
    set
      state = case
        when result.outcome in ('sent', 'failed') then result.outcome
        when result.outcome = 'awaiting_receipt' then 'sending'
        -- Ticks and "typing" may be shown twice: there is nothing for a person to decide.
        when result.outcome = 'uncertain' and target.kind not in ('read', 'typing') then 'uncertain'
        else 'queued'
      end,
      whatsapp_id = coalesce(result.whatsapp_id, target.whatsapp_id),
      sent_at = case when result.outcome = 'sent' then coalesce(result.sent_at, now()) else target.sent_at end,
      settle_by = case
        when result.outcome = 'awaiting_receipt' then coalesce(target.settle_by, now() + settle_within)
      end,
      retry_at = case
        when result.outcome in ('retry', 'paused') and result.retry_after_seconds > 0
          then now() + make_interval(secs => result.retry_after_seconds)
      end,
      attempts = greatest(target.attempts - (result.outcome in ('released', 'paused'))::integer, 0),
      error_code = case
        when result.outcome in ('failed', 'uncertain', 'retry', 'paused') then result.code
      end,
      error_message = case
        when result.outcome in ('failed', 'uncertain', 'retry', 'paused') then result.message
      end
    where target.id = result.id
      and (
        -- What is said of an earlier claim, and comes late, is not about the one under way.
        (target.state in ('claimed', 'sending') and coalesce(result.claims, target.claims) = target.claims)
        -- Sent is the truth, whatever was believed before.
        or (result.outcome = 'sent' and target.state not in ('sent', 'delivered', 'read'))
      )
    returning target.* into entry;
    if found then
      perform wa_private.show_outbox_row(entry);
      if entry.whatsapp_id is not null then
        chats_named := chats_named || entry.chat_id;
        names := names || entry.whatsapp_id;
      end if;
      if result.pause is not null then
        perform wa_private.pause_sending(
          p_session_id, result.pause ->> 'scope', (result.pause ->> 'seconds')::double precision, result.code
        );
      end if;
    end if;
  end loop;
  perform wa_private.apply_what_came_first(p_session_id, chats_named, names);
  if wa_private.has_uncertain_outbox(p_session_id) then
    perform wa_private.settle_uncertain_chats(p_session_id, chat_ids);
  end if;
  perform wa_private.settle_sends(p_session_id, p_results);
  -- What was said since it was queued is older than what is sent only now.
  perform wa_private.show_newest(chat_ids, null);
end;
$$;
comment on function wa_private.record_outbox_results(uuid, jsonb) is
'Writes how sends ended. A result for a row that is no longer claimed, or of an earlier claim (claims, if it says so), '
'changes nothing, unless it says sent.';

create function wa_private.has_overdue_outbox(p_session_id uuid)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select exists (
    select from public.wa_outbox as entry
    where entry.session_id = p_session_id and entry.state = 'queued' and entry.expires_at <= now()
  ) or exists (
    select from public.wa_outbox as entry
    where entry.session_id = p_session_id and entry.state = 'sending' and entry.settle_by <= now()
  );
$$;
comment on function wa_private.has_overdue_outbox(uuid) is 'Whether there is anything for sweep_outbox to end.';

create function wa_private.sweep_outbox(p_session_id uuid, p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  entry public.wa_outbox;
  expired uuid[];
  ended integer;
begin
  -- Together: an app may have queued thousands for the same moment.
  with swept as (
    update public.wa_outbox as late
    set state = 'expired', retry_at = null, error_code = 'expired', error_message = 'It was not sent before expires_at.'
    where late.id = any(array(
      select due.id
      from public.wa_outbox as due
      where due.session_id = p_session_id
        and due.state = 'queued'
        and due.expires_at <= now()
      order by due.expires_at
      limit p_limit
      for update
    ))
    returning late.message_id
  )
  select count(*), array_agg(swept.message_id) filter (where swept.message_id is not null)
  into ended, expired
  from swept;
  if expired is not null then
    perform wa_private.show_as_not_sent(expired, 'expired');
  end if;

  for entry in
    update public.wa_outbox as late
    set
      state = 'uncertain',
      settle_by = null,
      error_code = 'send_uncertain',
      error_message = 'The send was interrupted and no receipt came: it may have arrived.'
    where late.id = any(array(
      select due.id
      from public.wa_outbox as due
      where due.session_id = p_session_id
        and due.state = 'sending'
        and due.settle_by <= now()
      limit p_limit - ended
      for update
    ))
    returning late.*
  loop
    perform wa_private.show_outbox_state(entry);
    ended := ended + 1;
  end loop;
  return ended;
end;
$$;
comment on function wa_private.sweep_outbox(uuid, integer) is
'Ends what waited too long: to be sent (expired), or for its receipt (uncertain). At most p_limit rows; '
'returns how many.';

revoke execute on function wa_private.record_outbox_results(uuid, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.has_overdue_outbox(uuid) from public, anon, authenticated;
revoke execute on function wa_private.sweep_outbox(uuid, integer) from public, anon, authenticated;
grant execute on function wa_private.record_outbox_results(uuid, jsonb) to service_role;
grant execute on function wa_private.has_overdue_outbox(uuid) to service_role;
grant execute on function wa_private.sweep_outbox(uuid, integer) to service_role;
