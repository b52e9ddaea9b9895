-- Purpose: which queued rows go next, also where something stands in the way: the order of a chat, a pause, or the
-- session's limits (docs/pacing.md, docs/outbox.md).
-- Affects: wa_private.pick_in_order, pick_messages, pick_outbox_rows (new).

create function wa_private.pick_in_order(p_session_id uuid, p_limit integer, p_now timestamptz)
returns uuid[]
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
-- The order is that of an index: planned before the rows were counted, it read and sorted all of them.
set enable_sort = off
as $$
begin
  return array(
    select entry.id
    from public.wa_outbox as entry
    where entry.session_id = p_session_id
      and entry.state = 'queued'
      and entry.send_after <= p_now
      and coalesce(entry.expires_at, 'infinity') > p_now
    order by entry.priority desc, entry.send_after, entry.seq
    limit p_limit
    for update skip locked
  );
end;
$$;
comment on function wa_private.pick_in_order(uuid, integer, timestamptz) is
'Locks the next rows where nothing stands in the way of any.';

create function wa_private.pick_messages(
  p_session public.wa_sessions, p_limit integer, p_strangers text, p_now timestamptz
)
returns uuid[]
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
-- The order is that of an index: thousands may wait, and mostly the first one goes.
set enable_sort = off
as $$
declare
  picked uuid[] := '{}';
  -- Chats in which something was refused for now, each with its place in held. Where thousands were, a list that
  -- grows with each would take seconds.
  places jsonb := coalesce(
    (
      select jsonb_object_agg(waiting.chat, waiting.place)
      from (
        select refused.chat_id::text as chat, row_number() over () as place
        from public.wa_outbox as refused
        where refused.session_id = p_session.id
          and refused.state = 'queued'
          and refused.retry_at > p_now
          and refused.chat_id is not null
        group by refused.chat_id
      ) as waiting
    ),
    '{}'
  );
  -- From which seq on the rows wait that come now, as is_held_back says it, which would take each by itself.
  held bigint[] := array_fill(null::bigint, array[(select count(*)::integer from jsonb_object_keys(places))]);
  entry record;
begin
  for entry in
    select
      due.id, due.seq, due.payload, coalesce(due.chat_id::text, '') as chat, due.retry_at > p_now as refused,
      due.payload ?| '{message_id,reply_to}' as names_another
    from public.wa_outbox as due
    where due.session_id = p_session.id
      and due.state = 'queued'
      and due.send_after <= p_now
      and coalesce(due.expires_at, 'infinity') > p_now
      and due.kind not in ('read', 'typing')
      -- As is_first_contact and is_stranger say it, which would take four times as long for thousands that wait.
      and (
        p_strangers = 'all'
        or (select chat.kind <> 'direct' from public.wa_chats as chat where chat.id = due.chat_id)
        or (
          select true from public.wa_messages as theirs
          where theirs.chat_id = due.chat_id and not theirs.from_me
          limit 1
        )
        or (
          p_strangers = 'known'
          and (
            select true from wa_private.sends as earlier
            where earlier.session_id = p_session.id
              and earlier.chat_id = due.chat_id
              and earlier.first_contact
              and earlier.at > p_now - interval '24 hours'
            limit 1
          )
        )
      )
    order by due.priority desc, due.send_after, due.seq
  loop
    exit when cardinality(picked) >= p_limit;
    continue when held[(places ->> entry.chat)::integer] < entry.seq;
    if entry.refused
      or (entry.names_another and wa_private.awaits_message(p_session.id, entry.payload, 'infinity'))
    then
      if entry.refused or wa_private.awaits_message(p_session.id, entry.payload, p_now) then
        if not places ? entry.chat then
          places := places || jsonb_build_object(entry.chat, coalesce(cardinality(held), 0) + 1);
        end if;
        held[(places ->> entry.chat)::integer] := case when entry.refused then 0 else entry.seq end;
      end if;
    else
      perform from public.wa_outbox as free where free.id = entry.id and free.state = 'queued' for update skip locked;
      if found then
        picked := picked || entry.id;
      end if;
    end if;
  end loop;
  return picked;
end;
$$;
comment on function wa_private.pick_messages(public.wa_sessions, integer, text, timestamptz) is
'Locks the next messages to be sent, in order. p_strangers: of people who never wrote, all of them may be written to, '
'only those written to within 24 hours (known), or none.';

create function wa_private.pick_outbox_rows(p_session public.wa_sessions, p_limit integer, p_now timestamptz)
returns uuid[]
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  paused constant boolean := coalesce(p_session.paused_until > p_now, false);
  pace wa_private.pace;
  allowed integer := p_limit;
  strangers text := 'all';
  signals uuid[];
begin
  if wa_private.is_paced(p_session) then
    -- Of two claims at once the later must see what the earlier reserved. Before any row is locked: whoever sweeps has
    -- the turn, and waits for rows.
    perform wa_private.take_turns(p_session.id);
  end if;
  signals := array(
    select entry.id
    from public.wa_outbox as entry
    where entry.session_id = p_session.id
      and entry.state = 'queued'
      and entry.kind in ('read', 'typing')
      and entry.send_after <= p_now
      and coalesce(entry.expires_at, 'infinity') > p_now
      and coalesce(entry.retry_at, '-infinity') <= p_now
      and (entry.kind = 'read' or not paused)
    order by entry.priority desc, entry.send_after, entry.seq
    limit p_limit
    for update skip locked
  );
  if paused then
    return signals;
  end if;
  if wa_private.is_paced(p_session) then
    pace := wa_private.pace_of(p_session, p_now);
    if pace.any_at > p_now or wa_private.is_sending(p_session.id) then
      return signals;
    end if;
    allowed := 1;
    strangers := case when pace.new_at > p_now then 'known' else 'all' end;
  end if;
  if p_session.new_chats_paused_until > p_now then
    strangers := 'none';
  end if;
  return signals || wa_private.pick_messages(
    p_session, greatest(least(allowed, p_limit - cardinality(signals)), 0), strangers, p_now
  );
end;
$$;
comment on function wa_private.pick_outbox_rows(public.wa_sessions, integer, timestamptz) is
'Locks the rows that may go now, as far as pauses, limits and the order of each chat let them. Ticks go in spite of '
'all of it, "typing" in spite of limits. A paced session''s messages go one at a time.';

revoke execute on function wa_private.pick_in_order(uuid, integer, timestamptz) from public, anon, authenticated;
grant execute on function wa_private.pick_in_order(uuid, integer, timestamptz) to service_role;
revoke execute on function wa_private.pick_messages(public.wa_sessions, integer, text, timestamptz)
from public, anon, authenticated;
revoke execute on function wa_private.pick_outbox_rows(public.wa_sessions, integer, timestamptz)
from public, anon, authenticated;
grant execute on function wa_private.pick_messages(public.wa_sessions, integer, text, timestamptz) to service_role;
grant execute on function wa_private.pick_outbox_rows(public.wa_sessions, integer, timestamptz) to service_role;
