-- Purpose: what is plainly wrong with the messages that a row of the outbox speaks of (docs/outbox.md).
-- Affects: wa_private.message_fault, named_fault, reply_fault (new).
-- (What finds a message is in a later file: a function's body is read when it runs.)
-- connector/domain/outgoing says the same when the row is sent, since much may have happened by then.

create function wa_private.message_fault(p_kind text, p_field text, p_message public.wa_messages)
returns wa_private.fault
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  found constant text[] := case
    -- Rows that tell what happened to a chat: WhatsApp has no message by their ids.
    when p_message.id is null or p_message.kind in ('system', 'call')
      then array['message_not_found', 'must be the id of a message of this session.']
    when p_message.whatsapp_id is null and p_message.status = 'failed' and p_kind <> 'forward'
      then array['message_not_sent', 'names a message that was never sent.']
    when p_field = 'reply_to' or p_kind = 'read'
      then null
    when p_kind = 'edit' and not p_message.from_me
      then array['not_yours', 'names somebody else''s message: only ours can be edited.']
    when p_kind = 'edit' and p_message.kind <> 'text'
      then array['not_editable', 'names no text: only texts can be edited.']
    when p_kind = 'delete' and not p_message.from_me
      and exists (select from public.wa_chats as chat where chat.id = p_message.chat_id and chat.kind <> 'group')
      then array['not_yours', 'names somebody else''s message: those can only be deleted in a group, by its admins.']
    when p_message.revoked_at is not null
      then array['already_deleted', 'names a message that was deleted.']
    when p_kind = 'forward' and p_message.kind not in (
      'text', 'image', 'video', 'gif', 'audio', 'voice', 'document', 'location', 'contact'
    )
      then array['not_forwardable', 'names a message that is of a kind that cannot be forwarded.']
  end;
begin
  return row(found[1], format('payload.%s %s', p_field, found[2]))::wa_private.fault;
end;
$$;
comment on function wa_private.message_fault(text, text, public.wa_messages) is
'What is plainly wrong with the message that a field names, for what a row of this kind does with it; code null: '
'nothing is.';

create function wa_private.named_fault(p_entry public.wa_outbox)
returns wa_private.fault
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  fault wa_private.fault;
  field text;
begin
  foreach field in array '{message_id,reply_to}'::text[] loop
    if fault.code is null and p_entry.payload ->> field is not null then
      fault := wa_private.message_fault(
        p_entry.kind, field, wa_private.known_message(p_entry.session_id, p_entry.payload ->> field)
      );
    end if;
  end loop;
  return fault;
end;
$$;
comment on function wa_private.named_fault(public.wa_outbox) is
'What is plainly wrong with the messages that a row speaks of; code null: nothing is.';

create function wa_private.reply_fault(p_entry public.wa_outbox)
returns wa_private.fault
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  -- What was said in a group may be answered privately; what two people said is nobody else's.
  if exists (
    select from wa_private.known_message(p_entry.session_id, p_entry.payload ->> 'reply_to') as answered
    inner join public.wa_chats as chat on chat.id = answered.chat_id
    where chat.id <> p_entry.chat_id and chat.kind <> 'group'
  ) then
    return row(
      'invalid_payload', 'payload.reply_to must be a message of the same chat, or of a group.'
    )::wa_private.fault;
  end if;
  return null;
end;
$$;
comment on function wa_private.reply_fault(public.wa_outbox) is
'Whether a reply would show what was said in another direct chat; code null: it would not.';

revoke execute on function wa_private.message_fault(text, text, public.wa_messages) from public, anon, authenticated;
revoke execute on function wa_private.named_fault(public.wa_outbox) from public, anon, authenticated;
revoke execute on function wa_private.reply_fault(public.wa_outbox) from public, anon, authenticated;
grant execute on function wa_private.message_fault(text, text, public.wa_messages) to service_role;
grant execute on function wa_private.named_fault(public.wa_outbox) to service_role;
grant execute on function wa_private.reply_fault(public.wa_outbox) to service_role;
