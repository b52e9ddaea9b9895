-- Purpose: the chats follow the states of the outbox (docs/outbox.md). The same, whoever tells it first: the
-- connector's result, a receipt, an echo of the message, or a person.
-- Affects: wa_private.show_outbox_row, apply_what_came_first, show_outbox_state (new).

create function wa_private.show_outbox_row(p_entry public.wa_outbox)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  is_sent constant boolean := p_entry.state in ('sent', 'delivered', 'read');
begin
  -- The same message may have come back from the phone before we heard that it was sent.
  perform wa_private.merge_twins(p_entry.message_id, echo.id)
  from (
    select named.id, named.chat_id, named.from_me
    from public.wa_messages as named
    where named.session_id = p_entry.session_id and named.whatsapp_id = p_entry.whatsapp_id
    offset 0
  ) as echo
  where echo.chat_id = p_entry.chat_id
    and echo.from_me
    and echo.id <> p_entry.message_id;

  update public.wa_messages as message
  set
    -- While it waits to be sent once more, the id is that of an attempt that failed.
    whatsapp_id = case
      when p_entry.state = 'queued' then message.whatsapp_id
      else coalesce(p_entry.whatsapp_id, message.whatsapp_id)
    end,
    sent_at = case when is_sent then p_entry.sent_at else message.sent_at end,
    -- It lives as long as was set, from when it was sent.
    expires_at = case
      when is_sent then p_entry.sent_at + (message.expires_at - message.sent_at) else message.expires_at
    end,
    status = case when is_sent and message.status in ('pending', 'failed') then 'sent' else message.status end,
    error_code = case when message.status in ('pending', 'failed') then p_entry.error_code end
  where message.id = p_entry.message_id
    and (p_entry.state <> 'queued' or message.error_code is distinct from p_entry.error_code);

  if is_sent and p_entry.payload ? 'reply_to' then
    -- When it was queued, what it answers may have had no id yet.
    update public.wa_messages as reply
    set quoted_whatsapp_id = original.whatsapp_id
    from public.wa_messages as original
    where reply.id = p_entry.message_id
      and original.id = reply.quoted_message_id
      and reply.quoted_whatsapp_id is null;
  end if;

  if p_entry.state = 'failed' then
    perform wa_private.show_as_not_sent(array[p_entry.message_id], p_entry.error_code);
  elsif is_sent then
    if p_entry.kind in ('reaction', 'edit', 'delete', 'read') then
      perform wa_private.show_outbox_effect(p_entry);
    elsif p_entry.kind not in ('text', 'location', 'contact', 'poll', 'typing') then
      perform wa_private.fetch_back(p_entry);
    end if;
  end if;
end;
$$;
comment on function wa_private.show_outbox_row(public.wa_outbox) is
'Lets the chats follow the state of an outbox row, but for what was known of its message before. Twice is once.';

create function wa_private.apply_what_came_first(p_session_id uuid, p_chat_ids uuid[], p_whatsapp_ids text[])
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if p_whatsapp_ids <> '{}' then
    perform wa_private.apply_changes(p_session_id, p_chat_ids, p_whatsapp_ids);
    perform wa_private.link_replies(p_session_id, p_chat_ids, p_whatsapp_ids);
    perform wa_private.apply_receipts(p_session_id, p_chat_ids, p_whatsapp_ids);
  end if;
end;
$$;
comment on function wa_private.apply_what_came_first(uuid, uuid[], text[]) is
'Applies the edits, replies and receipts that came before the ids of these messages of ours were known.';

create function wa_private.show_outbox_state(p_entry public.wa_outbox)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform wa_private.show_outbox_row(p_entry);
  if p_entry.whatsapp_id is not null then
    perform wa_private.apply_what_came_first(
      p_entry.session_id, array[p_entry.chat_id], array[p_entry.whatsapp_id]
    );
  end if;
end;
$$;
comment on function wa_private.show_outbox_state(public.wa_outbox) is
'Lets the chats follow the state of an outbox row, and applies receipts, edits and replies that came first. Twice is '
'once.';

revoke execute on function wa_private.show_outbox_row(public.wa_outbox) from public, anon, authenticated;
revoke execute on function wa_private.apply_what_came_first(uuid, uuid[], text[]) from public, anon, authenticated;
revoke execute on function wa_private.show_outbox_state(public.wa_outbox) from public, anon, authenticated;
grant execute on function wa_private.show_outbox_row(public.wa_outbox) to service_role;
grant execute on function wa_private.apply_what_came_first(uuid, uuid[], text[]) to service_role;
grant execute on function wa_private.show_outbox_state(public.wa_outbox) to service_role;
