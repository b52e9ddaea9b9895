-- Purpose: what an insert into wa_outbox is refused for, and what is filled in: tenant, chat, times.
-- Affects: wa_private.recipient_fault, row_fault, prepare_outbox_row, a trigger on public.wa_outbox (new).
-- A row that can never be sent is refused as it is inserted, and with it all others of its statement: an app that
-- inserts many at once, and would rather lose one than all, inserts them one by one. What only WhatsApp knows, or what
-- changes until the row is sent, fails the row then.

create function wa_private.recipient_fault(p_entry public.wa_outbox)
returns wa_private.fault
language sql
immutable
security invoker
set search_path = ''
as $$
  select row(
    'invalid_to',
    case
      when p_entry.kind in ('reaction', 'edit', 'delete', 'read') and p_entry.payload ->> 'message_id' is not null
        then case p_entry."to"
          when '' then 'to is left out, and nobody can write to the chat of the message.'
          else 'to must be the chat of the message, or left out.'
        end
      when p_entry."to" ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        then 'to is not the id of a chat of this session.'
      else 'to must be a phone number with country code, a JID or a chat of this session.'
    end
  )::wa_private.fault;
$$;
comment on function wa_private.recipient_fault(public.wa_outbox) is 'What to say of a row that is for no chat.';

create function wa_private.row_fault(p_entry public.wa_outbox)
returns wa_private.fault
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  fault wa_private.fault := wa_private.payload_fault(p_entry.kind, p_entry.payload);
begin
  if fault.code is null and p_entry.payload ?| '{message_id,reply_to}' then
    fault := wa_private.named_fault(p_entry);
  end if;
  if fault.code is null and p_entry.expires_at <= p_entry.send_after then
    fault := row('invalid_expires_at', 'expires_at must be later than send_after, and so than now.');
  end if;
  return fault;
end;
$$;
comment on function wa_private.row_fault(public.wa_outbox) is
'What is plainly wrong with a row, but for whom it is for; code null: nothing is.';

-- security definer: members may not write chats, and read sessions of their own only.
create function wa_private.prepare_outbox_row()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  fault wa_private.fault;
begin
  new.created_by := coalesce(auth.uid(), new.created_by);
  -- Locked before its chats, as take_turns does.
  new.workspace_id := (
    select session.workspace_id from public.wa_sessions as session where session.id = new.session_id for key share
  );
  -- What the Data API inserts together has the columns of all: what a row leaves out is null.
  new.id := coalesce(new.id, gen_random_uuid());
  new."to" := coalesce(new."to", '');
  new.kind := coalesce(new.kind, 'text');
  new.payload := coalesce(new.payload, '{}');
  new.priority := coalesce(new.priority, 0);
  new.send_after := coalesce(new.send_after, now());
  new.chat_id := null;
  new.message_id := null;
  if new.workspace_id is null then
    -- Refused after this trigger.
    return new;
  end if;

  fault := wa_private.row_fault(new);
  if fault.code is null then
    new.chat_id := wa_private.chat_of_row(new);
    if new.chat_id is null then
      fault := wa_private.recipient_fault(new);
    elsif new.payload ? 'reply_to' then
      fault := wa_private.reply_fault(new);
    end if;
  end if;
  if fault.code is not null then
    if not wa_private.may_act_for(new.workspace_id) then
      -- Refused after this trigger, whoever's function inserts it, and told no more than of a session that is not there.
      new.workspace_id := null;
      return new;
    end if;
    raise exception '%', fault.message using errcode = '23514', detail = fault.code, hint = case fault.code
      when 'invalid_to' then 'For example: +55 21 98765-4321, or the id of a row in wa_chats.'
      when 'invalid_expires_at' then 'Left out, a row never expires.'
      else coalesce('For example: ' || wa_private.payload_example(new.kind), 'See docs/outbox.md.')
    end;
  end if;

  if new."to" = '' then
    new."to" := new.chat_id::text;
  end if;
  new.to_jid := (select chat.jid from public.wa_chats as chat where chat.id = new.chat_id);
  if new.kind = 'typing' then
    -- Nobody wants to be seen typing a minute later.
    new.expires_at := coalesce(new.expires_at, greatest(new.send_after, now()) + interval '15 s');
  end if;
  if new.kind not in ('reaction', 'edit', 'delete', 'read', 'typing') then
    new.message_id := gen_random_uuid();
  end if;
  return new;
end;
$$;
comment on function wa_private.prepare_outbox_row() is
'Trigger: refuses what can never be sent (SQLSTATE 23514; the code of docs/errors.md is the detail), and fills in '
'tenant, chat, message id and what was left out.';

create trigger before_insert_prepare
before insert on public.wa_outbox
for each row execute function wa_private.prepare_outbox_row();

revoke execute on function wa_private.recipient_fault(public.wa_outbox) from public, anon, authenticated;
revoke execute on function wa_private.row_fault(public.wa_outbox) from public, anon, authenticated;
revoke execute on function wa_private.prepare_outbox_row() from public, anon, authenticated;
