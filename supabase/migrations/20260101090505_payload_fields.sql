-- Purpose: the fields that payloads of the outbox have, and what each has to be (docs/outbox.md).
-- Affects: wa_private.payload_fields, needs_field, may_be_null, field_words, field_fits (new).
-- connector/payloads says the same, in the same words: tests hold both to the same examples. Here only what is plainly
-- wrong is refused; what an emoji is, say, the connector knows better.
-- A shape is a kind of row, or link_preview or contact_person within one.

create function wa_private.payload_fields(p_shape text)
returns text[]
language sql
immutable
security invoker
set search_path = ''
as $$
  select case p_shape
    when 'text' then '{reply_to,mentions,text,link_preview,typing_seconds}'
    when 'image' then '{view_once,caption,reply_to,mentions,storage_path,bucket,url,base64,typing_seconds}'
    when 'video' then '{view_once,caption,reply_to,mentions,storage_path,bucket,url,base64,typing_seconds}'
    when 'gif' then '{caption,reply_to,mentions,storage_path,bucket,url,base64,typing_seconds}'
    when 'audio' then '{reply_to,mentions,storage_path,bucket,url,base64,typing_seconds}'
    when 'voice' then '{view_once,reply_to,mentions,storage_path,bucket,url,base64,typing_seconds}'
    when 'document' then
      '{caption,reply_to,mentions,storage_path,bucket,url,base64,typing_seconds,file_name,mime_type}'
    when 'location' then '{reply_to,mentions,latitude,longitude,name,address,url}'
    when 'contact' then '{reply_to,mentions,contacts}'
    when 'poll' then '{reply_to,mentions,question,options,selectable}'
    when 'reaction' then '{message_id,emoji}'
    when 'edit' then '{message_id,text,mentions}'
    when 'delete' then '{message_id}'
    when 'forward' then '{message_id}'
    when 'read' then '{message_id}'
    when 'typing' then '{state,seconds}'
    when 'link_preview' then '{url,title,description}'
    when 'contact_person' then '{name,phone_numbers,organization,email}'
  end::text[];
$$;
comment on function wa_private.payload_fields(text) is
'The fields that a shape can have; null: there is no such shape.';

create function wa_private.needs_field(p_shape text, p_field text)
returns boolean
language sql
immutable
security invoker
set search_path = ''
as $$
  select p_field in ('text', 'latitude', 'longitude', 'contacts', 'question', 'options', 'emoji')
    or (p_field = 'message_id' and p_shape <> 'read')
    or (p_shape = 'link_preview' and p_field in ('url', 'title'))
    or (p_shape = 'contact_person' and p_field in ('name', 'phone_numbers'));
$$;
comment on function wa_private.needs_field(text, text) is 'Whether a shape is nothing without this field.';

create function wa_private.may_be_null(p_shape text, p_field text)
returns boolean
language sql
immutable
security invoker
set search_path = ''
as $$
  select not wa_private.needs_field(p_shape, p_field)
    and p_field in (
      'message_id', 'reply_to', 'storage_path', 'url', 'base64', 'caption', 'file_name', 'mime_type', 'description',
      'name', 'address', 'organization', 'email'
    );
$$;
comment on function wa_private.may_be_null(text, text) is
'Whether null says the same as leaving the field out. Others have a value of their own when they are left out.';

create function wa_private.field_words(p_shape text, p_field text)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select case
    when p_field = 'text' then 'be a string of 1 to 65,536 characters'
    when p_field in ('message_id', 'reply_to') then 'be the id of a row in wa_messages'
    when p_field = 'mentions' then 'be a list of at most 256 phone numbers or JIDs'
    when p_field = 'mentions entry' then 'be a phone number with country code, or the JID of a person'
    when p_field = 'link_preview' then 'be true, or an object with url, title and perhaps description'
    when p_field = 'typing_seconds' then 'be a number from 0 to 20'
    when p_field = 'storage_path' then 'be the path of a file in its bucket, without a leading slash'
    when p_field = 'bucket' then 'be the name of a bucket in Storage'
    when p_field = 'url' and p_shape in ('location', 'link_preview')
      then 'be an http or https address of at most 2,048 characters'
    when p_field = 'url' then 'be an https address of at most 2,048 characters'
    when p_field = 'base64'
      then 'be base64, without data: before it, of at most 64 kB; put larger files into Storage'
    when p_field in ('caption', 'address', 'description') then 'be a string of at most 1,024 characters'
    when p_field = 'view_once' then 'be true or false'
    when p_field = 'file_name' then 'be a string of 1 to 256 characters without slashes'
    when p_field = 'mime_type' then 'be a media type such as application/pdf'
    when p_field = 'latitude' then 'be a number from -90 to 90'
    when p_field = 'longitude' then 'be a number from -180 to 180'
    when p_field in ('name', 'title', 'organization') then 'be a string of 1 to 256 characters'
    when p_field = 'email' then 'be an e-mail address'
    when p_field = 'contacts'
      then 'be a list of 1 to 20 objects with name and phone_numbers, perhaps organization and email'
    when p_field = 'phone_numbers' then 'be a list of 1 to 10 phone numbers with country code'
    when p_field = 'phone_numbers entry' then 'be a phone number with country code'
    when p_field = 'question' then 'be a string of 1 to 255 characters'
    when p_field = 'options' then 'be a list of 2 to 12 different strings'
    when p_field = 'options entry' then 'be a string of 1 to 100 characters'
    when p_field = 'selectable' then 'be a whole number from 0 to the number of options'
    when p_field = 'emoji' then 'be an emoji, or "" to take the reaction back'
    when p_field = 'state' then 'be one of: typing, recording, paused'
    when p_field = 'seconds' then 'be a number from 1 to 30'
  end;
$$;
comment on function wa_private.field_words(text, text) is 'What a field, or an entry of its list, must …';

create function wa_private.field_fits(p_shape text, p_field text, p_value jsonb)
returns boolean
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  kind constant text := jsonb_typeof(p_value);
  told constant text := case when kind = 'string' then p_value #>> '{}' end;
  figure constant numeric := case when kind = 'number' then (p_value #>> '{}')::numeric end;
  entries constant integer := case when kind = 'array' then jsonb_array_length(p_value) end;
begin
  return coalesce(
    case
      when p_field = 'text' then told is not null
      when p_field in ('message_id', 'reply_to') then told ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
      when p_field = 'mentions' then entries <= 256
      when p_field = 'mentions entry' then wa_private.recipient_jid(left(told, 101)) ~ '@(s\.whatsapp\.net|lid)$'
      when p_field = 'link_preview'
        then kind = 'boolean'
          or (
            wa_private.field_fits(p_field, 'url', p_value -> 'url')
            and wa_private.field_fits(p_field, 'title', p_value -> 'title')
            and (p_value ->> 'description' is null or wa_private.field_fits(p_field, 'description', p_value -> 'description'))
          )
      when p_field = 'typing_seconds' then figure between 0 and 20
      when p_field = 'storage_path'
        then length(told) <= 1024 and told <> '' and not string_to_array(told, '/') && array['', '.', '..']
      when p_field = 'bucket' then length(told) <= 100 and told ~ '^[^/\s]+$'
      when p_field = 'url' and p_shape in ('location', 'link_preview')
        then length(told) <= 2048 and told ~* '^https?://[^\s/?#]\S*$'
      when p_field = 'url' then length(told) <= 2048 and told ~* '^https://[^\s/?#]\S*$'
      when p_field = 'base64'
        then length(told) % 4 = 0 and length(told) * 3 / 4 - (length(told) - length(rtrim(told, '='))) <= 65536
          and told ~ '^[A-Za-z0-9+/]{2,}={0,2}$'
      when p_field in ('caption', 'address', 'description') then length(told) <= 1024
      when p_field = 'view_once' then kind = 'boolean'
      when p_field = 'file_name' then length(told) <= 256 and told ~ '^[^/\\\x01-\x1f]+$'
      when p_field = 'mime_type'
        then length(told) <= 256
          and told ~ '^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(;[^\x01-\x1f]*)?$'
      when p_field = 'latitude' then figure between -90 and 90
      when p_field = 'longitude' then figure between -180 and 180
      when p_field in ('name', 'title', 'organization') then length(told) <= 256 and told ~ '\S'
      when p_field = 'email' then length(told) <= 256 and told ~ '^[^@\s]+@[^@\s]+$'
      when p_field = 'contacts'
        then entries between 1 and 20 and not jsonb_path_exists(p_value, '$[*] ? (@.type() != "object")')
      when p_field = 'phone_numbers' then entries between 1 and 10
      when p_field = 'phone_numbers entry'
        then length(told) <= 100 and told !~ '@' and wa_private.recipient_jid(told) is not null
      when p_field = 'question' then length(told) <= 255 and told ~ '\S'
      when p_field = 'options'
        then entries between 2 and 12
          and (select count(distinct choice.value) from jsonb_array_elements(p_value) as choice) = entries
      when p_field = 'options entry' then length(told) <= 100 and told ~ '\S'
      when p_field = 'selectable' then figure between 0 and 12 and p_value::text ~ '^[0-9]+$'
      when p_field = 'emoji' then told = '' or (length(told) <= 64 and told !~ '\s' and told ~ '[^\x01-\x7f]')
      when p_field = 'state' then told in ('typing', 'recording', 'paused')
      when p_field = 'seconds' then figure between 1 and 30
    end,
    false
  );
end;
$$;
comment on function wa_private.field_fits(text, text, jsonb) is
'Whether a field, or an entry of its list, is what field_words says; a list''s entries are looked at by themselves.';

revoke execute on function wa_private.payload_fields(text) from public, anon, authenticated;
revoke execute on function wa_private.needs_field(text, text) from public, anon, authenticated;
revoke execute on function wa_private.may_be_null(text, text) from public, anon, authenticated;
revoke execute on function wa_private.field_words(text, text) from public, anon, authenticated;
revoke execute on function wa_private.field_fits(text, text, jsonb) from public, anon, authenticated;
grant execute on function wa_private.payload_fields(text) to service_role;
grant execute on function wa_private.needs_field(text, text) to service_role;
grant execute on function wa_private.may_be_null(text, text) to service_role;
grant execute on function wa_private.field_words(text, text) to service_role;
grant execute on function wa_private.field_fits(text, text, jsonb) to service_role;
