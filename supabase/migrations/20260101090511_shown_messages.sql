-- Purpose: how a message that is to be sent reads in its chat: as it would if somebody else had sent it
-- (docs/messages.md).
-- Affects: wa_private.escape_card, contact_card, shown_body, shown_content, forwarded_content, quoted_content,
-- mentioned_people (new).

create function wa_private.escape_card(p_text text)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select regexp_replace(
    regexp_replace(
      regexp_replace(p_text, '[\\,;]', '\\\&', 'g'), '\r\n|[\n\r\u0085\u2028\u2029]', '\\n', 'g'
    ),
    '[\x01-\x1f\x7f]', '', 'g'
  );
$$;
comment on function wa_private.escape_card(text) is 'A value within a vCard, that stays one line whatever is in it.';

create function wa_private.contact_card(p_person jsonb)
returns jsonb
language sql
immutable
security invoker
set search_path = ''
as $$
  -- As connector/domain/outgoing/vcards.py writes it.
  select jsonb_build_object(
    'name', p_person ->> 'name',
    'phones', jsonb_agg('+' || number.digits order by number.place),
    'vcard', concat_ws(
      E'\n',
      'BEGIN:VCARD',
      'VERSION:3.0',
      'N:;' || wa_private.escape_card(p_person ->> 'name') || ';;;',
      'FN:' || wa_private.escape_card(p_person ->> 'name'),
      'ORG:' || wa_private.escape_card(p_person ->> 'organization') || ';',
      string_agg(
        format('TEL;type=CELL;type=VOICE;waid=%s:+%s', number.digits, number.digits), E'\n' order by number.place
      ),
      'EMAIL;type=INTERNET:' || wa_private.escape_card(p_person ->> 'email'),
      'END:VCARD'
    )
  )
  from (
    select split_part(wa_private.recipient_jid(given.number), '@', 1) as digits, given.place
    from jsonb_array_elements_text(p_person -> 'phone_numbers') with ordinality as given (number, place)
  ) as number;
$$;
comment on function wa_private.contact_card(jsonb) is 'A contact of a payload as messages keep contacts.';

create function wa_private.shown_body(p_kind text, p_payload jsonb)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select nullif(
    case
      when p_payload -> 'view_once' = 'true' then null
      when p_kind in ('image', 'video', 'gif', 'document') then p_payload ->> 'caption'
      when p_kind = 'location' then p_payload ->> 'name'
      when p_kind = 'poll' then p_payload ->> 'question'
      when p_kind = 'contact' and jsonb_array_length(p_payload -> 'contacts') = 1
        then p_payload -> 'contacts' -> 0 ->> 'name'
      when p_kind = 'contact' then jsonb_array_length(p_payload -> 'contacts') || ' contacts'
    end,
    ''
  );
$$;
comment on function wa_private.shown_body(text, jsonb) is
'The text that reads as the message; of a text it is the text.';

create function wa_private.shown_content(p_kind text, p_payload jsonb)
returns jsonb
language sql
immutable
security invoker
set search_path = ''
as $$
  select case
    when p_kind = 'text' and jsonb_typeof(p_payload -> 'link_preview') = 'object'
      then jsonb_build_object('link_preview', jsonb_strip_nulls(p_payload -> 'link_preview'))
    when p_payload -> 'view_once' = 'true' then jsonb_build_object('of', p_kind)
    when p_kind = 'location' then jsonb_strip_nulls(p_payload - array['reply_to', 'mentions'])
    when p_kind = 'poll' then jsonb_build_object(
      'options', p_payload -> 'options', 'selectable', coalesce(p_payload -> 'selectable', '1')
    )
    when p_kind = 'contact' then (
      select jsonb_build_object('contacts', jsonb_agg(wa_private.contact_card(given.person) order by given.place))
      from jsonb_array_elements(p_payload -> 'contacts') with ordinality as given (person, place)
    )
    else '{}'
  end;
$$;
comment on function wa_private.shown_content(text, jsonb) is 'What else belongs to the message.';

create function wa_private.forwarded_content(p_original public.wa_messages)
returns jsonb
language sql
immutable
security invoker
set search_path = ''
as $$
  select p_original.content
    - array['quoted', 'album_whatsapp_id', 'part_of', 'forwarded', 'forwarding_score', 'media_missing']
    || case when counted.times > 0
      then jsonb_build_object('forwarded', true, 'forwarding_score', counted.times) else '{}'
    end
  from (
    select greatest(
      case when p_original.content ->> 'forwarding_score' ~ '^[0-9]{1,9}$'
        then (p_original.content ->> 'forwarding_score')::integer else 0
      end,
      (p_original.content -> 'forwarded' is not distinct from 'true')::integer
      -- As phones count: whoever passes on what they wrote themselves does not forward.
    ) + (not p_original.from_me)::integer as times
  ) as counted;
$$;
comment on function wa_private.forwarded_content(public.wa_messages) is 'The content of a message that is sent on.';

create function wa_private.quoted_content(p_original public.wa_messages)
returns jsonb
language sql
immutable
security invoker
set search_path = ''
as $$
  select jsonb_build_object('quoted', jsonb_strip_nulls(jsonb_build_object(
    'kind', p_original.kind,
    'body', case when p_original.revoked_at is null then left(p_original.body, 1024) end,
    'sender_jid', p_original.sender_jid
  )));
$$;
comment on function wa_private.quoted_content(public.wa_messages) is 'What a reply shows of what it answers.';

create function wa_private.mentioned_people(p_session_id uuid, p_mentions jsonb)
returns text[]
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce(
    (
      select array_agg(person.jid order by person.place)
      from (
        select told.jid, min(told.place) as place
        from unnest(
          wa_private.canonical_addresses(
            p_session_id,
            array(
              select wa_private.recipient_jid(given.who)
              from jsonb_array_elements_text(p_mentions) with ordinality as given (who, place)
              order by given.place
            )
          )
        ) with ordinality as told (jid, place)
        group by told.jid
      ) as person
    ),
    '{}'
  );
$$;
comment on function wa_private.mentioned_people(uuid, jsonb) is
'The people that a payload mentions, each once, by their LIDs as far as they are known.';

revoke execute on function wa_private.escape_card(text) from public, anon, authenticated;
revoke execute on function wa_private.contact_card(jsonb) from public, anon, authenticated;
revoke execute on function wa_private.shown_body(text, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.shown_content(text, jsonb) from public, anon, authenticated;
revoke execute on function wa_private.forwarded_content(public.wa_messages) from public, anon, authenticated;
revoke execute on function wa_private.quoted_content(public.wa_messages) from public, anon, authenticated;
revoke execute on function wa_private.mentioned_people(uuid, jsonb) from public, anon, authenticated;
