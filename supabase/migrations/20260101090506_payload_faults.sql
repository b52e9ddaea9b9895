-- Purpose: what is plainly wrong with a payload, said at the insert: the field and the cure, never the value.
-- Affects: type wa_private.fault, wa_private.unknown_field, text_fault, entry_fault, object_fault, payload_fault,
-- payload_example (new).

create type wa_private.fault as (code text, message text);
comment on type wa_private.fault is 'Why a row is refused: a stable code (docs/errors.md) and a sentence.';

create function wa_private.unknown_field(p_path text, p_shape text, p_object jsonb)
returns wa_private.fault
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  fields constant text[] := wa_private.payload_fields(p_shape);
  key text;
begin
  if p_object - fields = '{}' then
    return null;
  end if;
  select min(unknown.key) into key from jsonb_object_keys(p_object - fields) as unknown (key);
  -- Only a name is quoted: what got into its place may be a number or a message.
  return row(
    'invalid_payload',
    format(
      '%s has %s: it can have %s.', p_path,
      case when key ~ '^[A-Za-z_]{1,32}$' then key else 'a field that is unknown' end,
      array_to_string(fields, ', ')
    )
  )::wa_private.fault;
end;
$$;
comment on function wa_private.unknown_field(text, text, jsonb) is
'A field that is none: a typo must not be silently lost.';

create function wa_private.text_fault(p_text text)
returns wa_private.fault
language sql
immutable
security invoker
set search_path = ''
as $$
  select case
    when p_text !~ '\S'
      then row('text_empty', 'payload.text is empty: write at least one character.')::wa_private.fault
    when length(p_text) > 65536
      then row(
        'text_too_long',
        format(
          'payload.text has %s characters: at most 65,536 can be sent in one message.',
          to_char(length(p_text), 'FM999,999,999')
        )
      )::wa_private.fault
  end;
$$;
comment on function wa_private.text_fault(text) is 'What is wrong with the text of a message.';

create function wa_private.entry_fault(p_path text, p_field text, p_entries jsonb)
returns wa_private.fault
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  entry record;
  fault wa_private.fault;
begin
  for entry in
    select listed.value, format('%s[%s]', p_path, listed.place - 1) as path
    from jsonb_array_elements(p_entries) with ordinality as listed (value, place)
    order by listed.place
  loop
    if p_field = 'contacts' then
      fault := wa_private.object_fault(entry.path, 'contact_person', entry.value);
    elsif not wa_private.field_fits('', p_field || ' entry', entry.value) then
      fault := row(
        'invalid_payload', format('%s must %s.', entry.path, wa_private.field_words('', p_field || ' entry'))
      );
    end if;
    if fault.code is not null then
      return fault;
    end if;
  end loop;
  return null;
end;
$$;
comment on function wa_private.entry_fault(text, text, jsonb) is 'What is wrong with the first bad entry of a list.';

create function wa_private.object_fault(p_path text, p_shape text, p_object jsonb)
returns wa_private.fault
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  fault wa_private.fault := wa_private.unknown_field(p_path, p_shape, p_object);
  field text;
  value jsonb;
begin
  foreach field in array wa_private.payload_fields(p_shape) loop
    exit when fault.code is not null;
    value := p_object -> field;
    if value is null then
      if wa_private.needs_field(p_shape, field) then
        fault := row('invalid_payload', format(
          '%s.%s is missing: it must %s.', p_path, field, wa_private.field_words(p_shape, field)
        ));
      end if;
    elsif value <> 'null' or not wa_private.may_be_null(p_shape, field) then
      if field = 'link_preview' and jsonb_typeof(value) = 'object' then
        fault := wa_private.unknown_field(p_path || '.' || field, field, value);
      end if;
      if fault.code is null and not wa_private.field_fits(p_shape, field, value) then
        fault := row('invalid_payload', format(
          '%s.%s must %s.', p_path, field, wa_private.field_words(p_shape, field)
        ));
      elsif field = 'text' then
        fault := wa_private.text_fault(value #>> '{}');
      elsif jsonb_typeof(value) = 'array' then
        fault := wa_private.entry_fault(p_path || '.' || field, field, value);
      end if;
    end if;
  end loop;
  return fault;
end;
$$;
comment on function wa_private.object_fault(text, text, jsonb) is
'What is wrong with an object that has a shape, and with what is within it: the first thing.';

create function wa_private.payload_fault(p_kind text, p_payload jsonb)
returns wa_private.fault
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  fault wa_private.fault;
begin
  -- Most rows by far, and a good part of what each costs would be to look for fields it does not have.
  if p_kind = 'text' and jsonb_typeof(p_payload -> 'text') is not distinct from 'string' and p_payload - 'text' = '{}' then
    return wa_private.text_fault(p_payload ->> 'text');
  elsif wa_private.payload_example(p_kind) is null then
    return row(
      'unknown_kind',
      'kind must be one of: text, image, video, gif, audio, voice, document, location, contact, poll, reaction, edit, '
      'delete, forward, read, typing.'
    )::wa_private.fault;
  elsif jsonb_typeof(p_payload) is distinct from 'object' then
    return row('invalid_payload', 'payload must be a JSON object.')::wa_private.fault;
  end if;
  fault := wa_private.object_fault('payload', p_kind, p_payload);
  if fault.code is not null then
    return fault;
  elsif p_kind in ('image', 'video', 'gif', 'audio', 'voice', 'document') then
    if num_nonnulls(p_payload ->> 'storage_path', p_payload ->> 'url', p_payload ->> 'base64') <> 1 then
      fault := row('invalid_payload', 'payload must have exactly one of storage_path, url and base64.');
    elsif p_payload ? 'bucket' and p_payload ->> 'storage_path' is null then
      fault := row('invalid_payload', 'payload.bucket must stand with storage_path only.');
    end if;
  elsif p_kind = 'poll' and (p_payload ->> 'selectable')::integer > jsonb_array_length(p_payload -> 'options') then
    fault := row('invalid_payload', format('payload.selectable must %s.', wa_private.field_words('poll', 'selectable')));
  end if;
  return fault;
end;
$$;
comment on function wa_private.payload_fault(text, jsonb) is
'What is plainly wrong with a payload of this kind; all null: nothing is.';

create function wa_private.payload_example(p_kind text)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select case
    when p_kind = 'text' then '{"text": "Olá!"}'
    when p_kind in ('image', 'video', 'gif')
      then '{"storage_path": "<workspace id>/outbox/offer", "caption": "Only today"}'
    when p_kind in ('audio', 'voice') then '{"storage_path": "<workspace id>/outbox/hello.mp3"}'
    when p_kind = 'document' then '{"url": "https://example.com/offer.pdf", "file_name": "Offer.pdf"}'
    when p_kind = 'location' then '{"latitude": -23.5505, "longitude": -46.6333, "name": "Market"}'
    when p_kind = 'contact' then '{"contacts": [{"name": "Carla", "phone_numbers": ["+55 11 98888-7777"]}]}'
    when p_kind = 'poll' then '{"question": "When?", "options": ["Monday", "Tuesday"]}'
    when p_kind = 'reaction' then '{"message_id": "<id of a row in wa_messages>", "emoji": "👍"}'
    when p_kind = 'edit' then '{"message_id": "<id of a row in wa_messages>", "text": "Olá, Carla!"}'
    when p_kind in ('delete', 'forward') then '{"message_id": "<id of a row in wa_messages>"}'
    when p_kind = 'read' then '{}'
    when p_kind = 'typing' then '{"state": "typing", "seconds": 5}'
  end;
$$;
comment on function wa_private.payload_example(text) is 'A payload of this kind to copy; null: there is no such kind.';

revoke execute on function wa_private.unknown_field(text, text, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.text_fault(text) from public, anon, authenticated;
revoke execute on function wa_private.entry_fault(text, text, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.object_fault(text, text, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.payload_fault(text, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.payload_example(text) from public, anon, authenticated;
grant execute on function wa_private.unknown_field(text, text, jsonb) to service_role;
grant execute on function wa_private.text_fault(text) to service_role;
grant execute on function wa_private.entry_fault(text, text, jsonb) to service_role;
grant execute on function wa_private.object_fault(text, text, jsonb) to service_role;
grant execute on function wa_private.payload_fault(text, jsonb) to service_role;
grant execute on function wa_private.payload_example(text) to service_role;
