-- Purpose: how fast a session may send: what it sent, and when its limits let it send again (docs/pacing.md).
-- Affects: wa_private.sends, pace, warm_up_share, gap_after, window_frees, new_window_frees, is_paced, pace_of (new).
--
-- Windows slide: no 60 seconds and no 24 hours ever hold more than the limit, across restarts and machines. Only this
-- database's clock counts, since connectors' differ. A claim reserves; the recording of its result moves `at` to when
-- it was surely sent by. What was reserved by a connector that died counts until somebody settles the row.

create table wa_private.sends (
  outbox_id uuid not null,
  claim integer not null,
  session_id uuid not null references public.wa_sessions (id) on delete cascade,
  chat_id uuid,
  first_contact boolean not null,
  at timestamptz not null,
  -- Each claim by itself: what was in doubt and is tried again may have been sent twice.
  primary key (outbox_id, claim)
);
comment on table wa_private.sends is
'What paced sessions sent within 24 hours. No key to the outbox: deleting a row there unsends nothing.';
comment on column wa_private.sends.first_contact is
'The first within 24 hours to somebody who never wrote.';

create index sends_session_id_at_idx on wa_private.sends (session_id, at desc);
create index sends_first_contacts_idx on wa_private.sends (session_id, chat_id) where first_contact;

alter table wa_private.sends enable row level security;
revoke all on table wa_private.sends from anon, authenticated;
grant select, insert, update, delete on table wa_private.sends to service_role;

create function wa_private.warm_up_share(p_linked_at timestamptz, p_days integer, p_now timestamptz)
returns numeric
language sql
immutable
security invoker
set search_path = ''
as $$
  select case
    when p_linked_at is null or p_days = 0 then 1
    else least(1, 0.2 + 0.8 * floor(greatest(extract(epoch from p_now - p_linked_at), 0) / 86400) / p_days)
  end;
$$;
comment on function wa_private.warm_up_share(timestamptz, integer, timestamptz) is
'Which part of the limits a number may use: a fifth on its first day, all after p_days.';

create function wa_private.gap_after(p_send wa_private.sends, p_seconds numeric)
returns timestamptz
language sql
immutable
security invoker
set search_path = ''
as $$
  -- By chance, but always the same one: asking often must not find a shorter gap.
  select p_send.at + make_interval(
    secs => p_seconds::double precision * (
      1 + (hashtextextended(p_send.outbox_id::text, p_send.claim) & 1023) / 1024.0
    )
  );
$$;
comment on function wa_private.gap_after(wa_private.sends, numeric) is
'When the gap after a send ends: one to two times p_seconds later.';

create function wa_private.window_frees(p_session_id uuid, p_limit integer, p_window interval)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = ''
-- As wa_store_batch does: its plans are made while the ledger is still empty, and kept.
set enable_seqscan = off
as $$
begin
  if p_limit is null then
    return null;
  end if;
  return (
    select sent.at + p_window
    from wa_private.sends as sent
    where sent.session_id = p_session_id
    order by sent.at desc
    offset p_limit - 1 limit 1
  );
end;
$$;
comment on function wa_private.window_frees(uuid, integer, interval) is
'When a sliding window has room for one more send; null: it never was full.';

create function wa_private.new_window_frees(p_session_id uuid, p_limit integer)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = ''
set enable_seqscan = off
as $$
begin
  if p_limit is null then
    return null;
  end if;
  if p_limit = 0 then
    return 'infinity';
  end if;
  return (
    select sent.at + interval '24 hours'
    from wa_private.sends as sent
    where sent.session_id = p_session_id and sent.first_contact
    order by sent.at desc
    offset p_limit - 1 limit 1
  );
end;
$$;
comment on function wa_private.new_window_frees(uuid, integer) is
'When the 24 hours have room for one more who never wrote; null: they never were full.';

create function wa_private.is_paced(p_session public.wa_sessions)
returns boolean
language sql
immutable
security invoker
set search_path = ''
as $$
  select num_nonnulls(
    p_session.send_gap_seconds, p_session.send_per_minute, p_session.send_per_day, p_session.send_new_per_day
  ) > 0;
$$;
comment on function wa_private.is_paced(public.wa_sessions) is 'Whether a session has any limit.';

create type wa_private.pace as (any_at timestamptz, any_limit text, new_at timestamptz);
comment on type wa_private.pace is
'From when on a session''s limits allow a message (any_limit: gap, minute or day says so), and one to somebody who '
'never wrote. In the past: now.';

create function wa_private.pace_of(p_session public.wa_sessions, p_now timestamptz)
returns wa_private.pace
language plpgsql
stable
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  share constant numeric := wa_private.warm_up_share(p_session.linked_at, p_session.warm_up_days, p_now);
  gap_ends timestamptz;
  minute_frees timestamptz;
  day_frees timestamptz;
  new_frees timestamptz;
  pace wa_private.pace;
begin
  if p_session.send_gap_seconds > 0 then
    select wa_private.gap_after(sent, p_session.send_gap_seconds) into gap_ends
    from wa_private.sends as sent
    where sent.session_id = p_session.id
    order by sent.at desc
    limit 1;
  end if;
  minute_frees := wa_private.window_frees(
    p_session.id, ceil(p_session.send_per_minute * share)::integer, '60 seconds'
  );
  day_frees := wa_private.window_frees(p_session.id, ceil(p_session.send_per_day * share)::integer, '24 hours');
  new_frees := wa_private.new_window_frees(p_session.id, ceil(p_session.send_new_per_day * share)::integer);
  pace.any_at := coalesce(greatest(gap_ends, minute_frees, day_frees), '-infinity');
  pace.any_limit := case pace.any_at when day_frees then 'day' when minute_frees then 'minute' when gap_ends then 'gap' end;
  pace.new_at := greatest(pace.any_at, new_frees);
  return pace;
end;
$$;
comment on function wa_private.pace_of(public.wa_sessions, timestamptz) is
'When a session may send next, by what it sent. Ask in one''s turn (take_turns) before sending.';

revoke execute on function wa_private.warm_up_share(timestamptz, integer, timestamptz) from public, anon, authenticated;
revoke execute on function wa_private.gap_after(wa_private.sends, numeric) from public, anon, authenticated;
revoke execute on function wa_private.window_frees(uuid, integer, interval) from public, anon, authenticated;
revoke execute on function wa_private.new_window_frees(uuid, integer) from public, anon, authenticated;
revoke execute on function wa_private.is_paced(public.wa_sessions) from public, anon, authenticated;
revoke execute on function wa_private.pace_of(public.wa_sessions, timestamptz) from public, anon, authenticated;
grant execute on function wa_private.warm_up_share(timestamptz, integer, timestamptz) to service_role;
grant execute on function wa_private.gap_after(wa_private.sends, numeric) to service_role;
grant execute on function wa_private.window_frees(uuid, integer, interval) to service_role;
grant execute on function wa_private.new_window_frees(uuid, integer) to service_role;
grant execute on function wa_private.is_paced(public.wa_sessions) to service_role;
grant execute on function wa_private.pace_of(public.wa_sessions, timestamptz) to service_role;
