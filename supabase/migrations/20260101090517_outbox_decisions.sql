-- Purpose: what people decide about rows of the outbox: not to send them after all, and what became of those of which
-- nobody knows (docs/outbox.md).
-- Affects: wa_private.outbox_row_to_decide, cancel_outbox, resolve_outbox, settle_deleted_rows (new), wa_cancel_outbox,
-- wa_resolve_outbox, a trigger on public.wa_outbox (new).
-- (What is called here is in later files: a function's body is read when it runs.)

create function wa_private.outbox_row_to_decide(p_id uuid)
returns public.wa_outbox
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  entry public.wa_outbox;
begin
  select known.* into entry
  from public.wa_outbox as known
  where known.id = p_id and wa_private.may_act_for(known.workspace_id);
  if not found then
    raise exception 'No row of your outbox has this id.' using errcode = '42501',
    hint = 'It is the id of a row of wa_outbox, not of the message that shows it.';
  end if;
  -- Messages and chats will be written, too.
  perform wa_private.take_turns(entry.session_id);
  select known.* into entry from public.wa_outbox as known where known.id = p_id for update;
  return entry;
end;
$$;
comment on function wa_private.outbox_row_to_decide(uuid) is
'The row with this id, locked, if the caller may decide about it; raises 42501 for what is not theirs as for what is '
'not there.';

-- security definer: members may not write the outbox and messages, nor broadcast.
create function wa_private.cancel_outbox(p_id uuid)
returns public.wa_outbox
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  entry public.wa_outbox := wa_private.outbox_row_to_decide(p_id);
begin
  if entry.state = 'cancelled' then
    return entry;
  end if;
  if entry.state <> 'queued' then
    raise exception 'It cannot be cancelled any more: it is %.', entry.state using errcode = '22023',
    hint = case
      when entry.state in ('sent', 'delivered', 'read')
        then 'A row of kind delete deletes the message for everyone.'
      when entry.state = 'uncertain' then 'wa_resolve_outbox(id, ''sent'' or ''retry'') decides about it.'
      else 'Only queued rows can be cancelled.'
    end;
  end if;
  update public.wa_outbox as unsent
  set
    state = 'cancelled', retry_at = null, error_code = 'cancelled', error_message = 'It was cancelled before it was sent.'
  where unsent.id = p_id;
  if entry.whatsapp_id is null then
    -- It was never said: whoever takes it back does not expect to go on seeing it. The row keeps what it was.
    delete from public.wa_messages as unsaid
    where unsaid.id = entry.message_id and unsaid.status in ('pending', 'failed');
  else
    -- It was in doubt once: a receipt may still prove that it was said.
    perform wa_private.show_as_not_sent(array[entry.message_id], 'cancelled');
  end if;
  perform wa_private.show_newest(array[entry.chat_id], null);
  -- What came after it in its chat need not wait any more.
  perform wa_private.ring_outbox(entry.session_id);
  select cancelled.* into entry from public.wa_outbox as cancelled where cancelled.id = p_id;
  return entry;
end;
$$;
comment on function wa_private.cancel_outbox(uuid) is 'See public.wa_cancel_outbox.';

-- security definer: as above.
create function wa_private.resolve_outbox(p_id uuid, p_outcome text)
returns public.wa_outbox
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  entry public.wa_outbox;
begin
  if p_outcome is null or p_outcome not in ('sent', 'retry') then
    raise exception 'p_outcome must be ''sent'' or ''retry''.' using errcode = '22023',
    hint = '''sent'': the message is on the phone. ''retry'': it is not; send it, even if that should be a second time.';
  end if;
  entry := wa_private.outbox_row_to_decide(p_id);
  if entry.state <> 'uncertain' then
    if entry.state = any(
      case p_outcome when 'sent' then '{sent,delivered,read}'::text[] else '{queued,claimed,sending}' end
    ) then
      return entry;
    end if;
    raise exception 'There is nothing to resolve: it is %.', entry.state using errcode = '22023',
    hint = 'Only rows in the state uncertain wait for a decision.';
  end if;
  update public.wa_outbox as doubtful
  set
    state = case p_outcome when 'sent' then 'sent' else 'queued' end,
    sent_at = case p_outcome when 'sent' then coalesce(doubtful.claimed_at, now()) end,
    -- The id of the first attempt stays: a receipt that comes before the second still makes that needless.
    attempts = case p_outcome when 'sent' then doubtful.attempts else 0 end,
    settle_by = null, retry_at = null, error_code = null, error_message = null
  where doubtful.id = p_id
  returning doubtful.* into entry;
  perform wa_private.show_outbox_state(entry);
  perform wa_private.show_newest(array[entry.chat_id], null);
  perform wa_private.ring_outbox(entry.session_id);
  select resolved.* into entry from public.wa_outbox as resolved where resolved.id = p_id;
  return entry;
end;
$$;
comment on function wa_private.resolve_outbox(uuid, text) is 'See public.wa_resolve_outbox.';

create function public.wa_cancel_outbox(p_id uuid)
returns public.wa_outbox
language sql
volatile
security invoker
set search_path = ''
as $$
  select wa_private.cancel_outbox(p_id);
$$;
comment on function public.wa_cancel_outbox(uuid) is
'Takes a queued row back: it becomes cancelled, and the message that showed it disappears (or becomes failed, if the '
'row was in doubt once). Twice is once. Raises 22023 once the connector has taken it to send it, 42501 for a row that '
'is not yours. Returns the row.';

create function public.wa_resolve_outbox(p_id uuid, p_outcome text)
returns public.wa_outbox
language sql
volatile
security invoker
set search_path = ''
as $$
  select wa_private.resolve_outbox(p_id, p_outcome);
$$;
comment on function public.wa_resolve_outbox(uuid, text) is
'A person''s word about an uncertain row. sent: it arrived. retry: queued again, though it may have arrived; whoever '
'says so accepts that it may be sent a second time. Twice is once. Raises 22023 for a row in any other state, 42501 '
'for one that is not yours. Returns the row.';

create function wa_private.settle_deleted_rows()
returns trigger
language plpgsql
security invoker
set search_path = ''
-- As wa_store_batch does: its plans are made while the tables are still empty, and kept.
set enable_seqscan = off
as $$
declare
  unsent constant uuid[] := array(
    select gone.message_id from gone where gone.state = 'queued' and gone.whatsapp_id is null
  );
  doubtful constant uuid[] := array(
    select gone.message_id from gone
    where gone.state in ('claimed', 'sending', 'uncertain') or (gone.state = 'queued' and gone.whatsapp_id is not null)
  );
begin
  if unsent <> '{}' then
    -- By address, as everybody does who writes to several: nobody deadlocks.
    perform from public.wa_chats as chat
    where chat.id in (select gone.chat_id from gone where gone.state = 'queued')
    order by chat.jid
    for no key update;
    delete from public.wa_messages as unsaid
    where unsaid.id = any(unsent) and unsaid.status in ('pending', 'failed');
    perform wa_private.show_newest(array(select distinct gone.chat_id from gone where gone.chat_id is not null), null);
  end if;
  if doubtful <> '{}' then
    perform wa_private.show_as_not_sent(doubtful, 'send_uncertain');
  end if;
  return null;
end;
$$;
comment on function wa_private.settle_deleted_rows() is
'Trigger: what an app''s server deletes from the queue is not shown as pending for ever. It disappears as if it was '
'cancelled; what may have been sent already is shown as failed.';

create trigger after_delete_settle
after delete on public.wa_outbox
referencing old table as gone
for each statement execute function wa_private.settle_deleted_rows();

revoke execute on function wa_private.settle_deleted_rows() from public, anon, authenticated;
revoke execute on function wa_private.outbox_row_to_decide(uuid) from public, anon, authenticated;
revoke execute on function wa_private.cancel_outbox(uuid) from public, anon, authenticated, service_role;
revoke execute on function wa_private.resolve_outbox(uuid, text) from public, anon, authenticated, service_role;
revoke execute on function public.wa_cancel_outbox(uuid) from public, anon, authenticated, service_role;
revoke execute on function public.wa_resolve_outbox(uuid, text) from public, anon, authenticated, service_role;
grant execute on function wa_private.cancel_outbox(uuid) to authenticated, service_role;
grant execute on function wa_private.resolve_outbox(uuid, text) to authenticated, service_role;
grant execute on function public.wa_cancel_outbox(uuid) to authenticated, service_role;
grant execute on function public.wa_resolve_outbox(uuid, text) to authenticated, service_role;
