-- Purpose: rows of the outbox that nobody runs, and those that were settled long ago.
-- Affects: wa_private.end_overdue_outbox, forget_outbox, forget_uploads_everywhere, forget_sends (new).

create function wa_private.end_overdue_outbox(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
-- As wa_store_batch does: its plans are made while the tables are still empty, and kept.
set enable_seqscan = off
as $$
declare
  session_id uuid;
  ended integer := 0;
begin
  for session_id in
    -- Whoever runs a session sweeps its outbox with each exchange.
    select lease.session_id
    from wa_private.session_leases as lease
    where lease.expires_at <= now()
      and (
        exists (
          select from public.wa_outbox as entry
          where entry.session_id = lease.session_id and entry.state = 'queued' and entry.expires_at <= now()
        )
        or exists (
          select from public.wa_outbox as entry
          where entry.session_id = lease.session_id and entry.state = 'sending' and entry.settle_by <= now()
        )
      )
    limit p_limit
  loop
    exit when ended >= p_limit;
    if wa_private.try_turn(session_id) then
      ended := ended + wa_private.sweep_outbox(session_id, p_limit - ended);
    end if;
  end loop;
  return ended;
end;
$$;
comment on function wa_private.end_overdue_outbox(integer) is
'Lets rows of sessions that nobody runs expire or become uncertain when their time is up; returns how many.';

create function wa_private.forget_outbox(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  settled constant text[] := '{sent,delivered,read,failed,cancelled,expired}';
  oldest constant timestamptz := wa_private.kept_since('outbox');
  old_ids uuid[];
  forgotten integer;
begin
  -- By the index of each workspace: there is none by time alone, which each insert would have to keep.
  select array_agg(old.id) into old_ids
  from (
    select past.id
    from public.wa_workspaces as tenant
    cross join lateral (
      select entry.id
      from public.wa_outbox as entry
      where entry.workspace_id = tenant.id
        and entry.created_at < oldest
        and entry.updated_at < oldest
        and entry.state = any(settled)
      order by entry.created_at
      limit p_limit
    ) as past
    limit p_limit
  ) as old;

  delete from public.wa_outbox as entry
  where entry.id in (
    select past.id
    from public.wa_outbox as past
    where past.id = any(old_ids) and past.state = any(settled) and past.updated_at < oldest
    for update skip locked
  );
  get diagnostics forgotten = row_count;
  return forgotten;
end;
$$;
comment on function wa_private.forget_outbox(integer) is
'Deletes rows of the outbox that were settled long ago; their messages stay. Returns how many.';

create function wa_private.forget_uploads_everywhere(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  -- Nobody uses them after that: wa_private.upload_of, wa_find_upload.
  oldest constant timestamptz := now() - interval '24 hours';
  versions integer;
  rows integer;
begin
  delete from wa_private.uploads as old
  where (old.session_id, old.version) in (
    select past.session_id, past.version
    from public.wa_sessions as session
    cross join lateral (
      select kept.session_id, kept.version
      from wa_private.uploads as kept
      where kept.session_id = session.id and kept.uploaded_at < oldest
      limit p_limit
    ) as past
    limit p_limit
  );
  get diagnostics versions = row_count;

  delete from wa_private.row_uploads as old
  where old.outbox_id in (
    select past.outbox_id
    from public.wa_sessions as session
    cross join lateral (
      select kept.outbox_id
      from wa_private.row_uploads as kept
      inner join public.wa_outbox as entry on entry.id = kept.outbox_id
      where kept.session_id = session.id
        and kept.uploaded_at < oldest
        and entry.state not in ('queued', 'claimed', 'sending', 'uncertain')
      limit p_limit
    ) as past
    limit greatest(p_limit - versions, 0)
  );
  get diagnostics rows = row_count;
  return versions + rows;
end;
$$;
comment on function wa_private.forget_uploads_everywhere(integer) is
'Does for sessions that upload nothing any more what forget_uploads does for the others; returns how many.';

create function wa_private.forget_sends(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
set enable_seqscan = off
as $$
declare
  forgotten integer;
begin
  delete from wa_private.sends as old
  where (old.outbox_id, old.claim) in (
    select past.outbox_id, past.claim
    from public.wa_sessions as session
    cross join lateral (
      select sent.outbox_id, sent.claim
      from wa_private.sends as sent
      -- The longest window of any limit.
      where sent.session_id = session.id and sent.at < now() - interval '24 hours'
      limit p_limit
    ) as past
    limit p_limit
  );
  get diagnostics forgotten = row_count;
  return forgotten;
end;
$$;
comment on function wa_private.forget_sends(integer) is
'Deletes what no limit counts any more, of sessions that send nothing; returns how many.';

revoke execute on function wa_private.end_overdue_outbox(integer) from public, anon, authenticated;
revoke execute on function wa_private.forget_outbox(integer) from public, anon, authenticated;
revoke execute on function wa_private.forget_uploads_everywhere(integer) from public, anon, authenticated;
revoke execute on function wa_private.forget_sends(integer) from public, anon, authenticated;
grant execute on function wa_private.end_overdue_outbox(integer) to service_role;
grant execute on function wa_private.forget_outbox(integer) to service_role;
grant execute on function wa_private.forget_uploads_everywhere(integer) to service_role;
grant execute on function wa_private.forget_sends(integer) to service_role;
