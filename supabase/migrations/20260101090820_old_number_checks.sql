-- Purpose: what WhatsApp said about numbers long ago.
-- Affects: wa_private.forget_number_questions, walk_number_checks (new).

create function wa_private.forget_number_questions(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
-- As wa_store_batch does: its plans are made while the tables are still empty, and kept.
set enable_seqscan = off
as $$
declare
  -- For so long they count against what a session may ask.
  oldest constant timestamptz := now() - interval '24 hours';
  forgotten integer;
begin
  delete from wa_private.number_questions as old
  where (old.session_id, old.number) in (
    select past.session_id, past.number
    from public.wa_sessions as session
    cross join lateral (
      select question.session_id, question.number
      from wa_private.number_questions as question
      where question.session_id = session.id
        and question.asked_at < oldest
        -- What nobody answered and somebody still waits for is asked ever more seldom: that must not begin anew.
        and (
          question.tries = 0
          or not exists (
            select from public.wa_number_checks as waiting
            where waiting.session_id = question.session_id
              and waiting.number = question.number
              and waiting.state = 'queued'
          )
        )
      limit p_limit
    ) as past
    limit p_limit
  );
  get diagnostics forgotten = row_count;
  return forgotten;
end;
$$;
comment on function wa_private.forget_number_questions(integer) is
'Deletes which numbers were asked about, once that counts against no limit; returns how many.';

create function wa_private.walk_number_checks(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  oldest constant timestamptz := wa_private.kept_since('number_checks');
  reached text[] := wa_private.walk_from('number_checks');
  forgotten integer;
begin
  if not wa_private.walk_is_due('number_checks') then
    return 0;
  end if;
  with looked_at as materialized (
    select next.id
    from public.wa_number_checks as next
    where next.id > coalesce(reached[1], '00000000-0000-0000-0000-000000000000')::uuid
    order by next.id
    limit p_limit
  ),
  old as (
    select known.id
    from looked_at
    inner join public.wa_number_checks as known on known.id = looked_at.id
    where known.state <> 'queued' and coalesce(known.checked_at, known.asked_at) < oldest
    for update of known skip locked
  ),
  gone as (
    delete from public.wa_number_checks as known
    using old
    where known.id = old.id
    returning known.id
  )
  select
    (select count(*) from gone),
    (select array[last.id::text] from looked_at as last order by last.id offset p_limit - 1 limit 1)
  into forgotten, reached;
  perform wa_private.note_walk('number_checks', reached);
  return forgotten;
end;
$$;
comment on function wa_private.walk_number_checks(integer) is
'Of the next p_limit checks deletes those that were answered long ago: who asks again is told anew. Returns how many.';

revoke execute on function wa_private.forget_number_questions(integer) from public, anon, authenticated;
revoke execute on function wa_private.walk_number_checks(integer) from public, anon, authenticated;
grant execute on function wa_private.forget_number_questions(integer) to service_role;
grant execute on function wa_private.walk_number_checks(integer) to service_role;
