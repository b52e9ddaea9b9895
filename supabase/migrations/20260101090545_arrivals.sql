-- Purpose: reads the messages of a batch: each once, and what it is to what is there already.
-- Affects: type wa_private.arrival, wa_private.read_messages (new).

create type wa_private.arrival as (
  place bigint,
  chat_id uuid,
  whatsapp_id text,
  from_me boolean,
  sender_contact_id uuid,
  sender_jid text,
  sender_name text,
  kind text,
  body text,
  content jsonb,
  quoted_whatsapp_id text,
  mentions text [],
  sent_at timestamptz,
  status text,
  source text,
  expires_at timestamptz,
  known_id uuid,
  speaks boolean,
  unread integer
);
comment on type wa_private.arrival is
'A message of a batch. known_id: it is there already; speaks: its words take the place of those that are there; '
'unread: 1 when it has to be counted.';

create function wa_private.read_messages(p_session_id uuid, p_messages jsonb, p_addresses jsonb)
returns wa_private.arrival[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  ranks constant text[] := '{pending,failed,sent,delivered,read,played}';
  sources constant text[] := '{history,phone,live,outbox}';
begin
  return (
    with given as (
      select
        message.*, (p_addresses -> message.chat_jid ->> 'chat')::uuid as chat_id,
        p_addresses -> message.sender_jid ->> 'jid' as sender, row_number() over () as place
      from jsonb_to_recordset(p_messages) as message (
        whatsapp_id text, chat_jid text, from_me boolean, sender_jid text, sender_name text, kind text,
        body text, content jsonb, quoted_whatsapp_id text, mentions text[], sent_at timestamptz,
        status text, source text, expires_at timestamptz
      )
    ),
    recognised as (
      select
        given.*, known.id as known_id, known.source as known_source, known.kind as known_kind,
        coalesce(
          known.sender_jid,
          first_value(given.sender) over (
            partition by given.chat_id, given.whatsapp_id, given.from_me order by given.sender is null, given.place
          )
        ) as author
      from given
      -- Lateral, so that each is looked up by index however stale the planner's statistics.
      left join lateral (
        select message.id, message.source, message.kind, message.sender_jid
        from (
          select named.*
          from public.wa_messages as named
          where named.session_id = p_session_id and named.whatsapp_id = given.whatsapp_id
          offset 0
        ) as message
        where message.chat_id = given.chat_id and message.from_me = given.from_me
      ) as known on true
    ),
    single as (
      -- The same message twice in one batch is one, with the best source, status and name of all,
      -- where the first of them stood.
      select distinct on (given.chat_id, given.whatsapp_id, given.from_me)
        given.*,
        ranks[max(array_position(ranks, given.status)) over same] as best_status,
        sources[max(array_position(sources, given.source)) over same] as best_source,
        max(given.sender_name) over same as best_name,
        max(given.expires_at) over same as last_end,
        min(given.place) over same as first_place
      from recognised as given
      -- Only from whom it was: others in a group see its id, too, and may give it to words of their own.
      where given.from_me or wa_private.may_be_one(given.author, given.sender)
      window same as (partition by given.chat_id, given.whatsapp_id, given.from_me)
      order by
        given.chat_id, given.whatsapp_id, given.from_me, given.kind = 'undecryptable',
        array_position(sources, given.source) desc, given.place
    )
    select
      array_agg(row(
        single.first_place, single.chat_id, single.whatsapp_id, single.from_me,
        case when not single.from_me then (p_addresses -> single.sender_jid ->> 'contact')::uuid end,
        single.sender, single.best_name, single.kind, single.body,
        coalesce(single.content, '{}'), single.quoted_whatsapp_id,
        case
          when cardinality(single.mentions) > 0 then wa_private.canonical_addresses(p_session_id, single.mentions)
          else '{}'
        end,
        single.sent_at, coalesce(single.best_status, single.status), coalesce(single.best_source, single.source),
        single.last_end, single.known_id,
        -- What could not be decrypted is sent again under its id, and takes the place that was kept for it.
        -- What came live is what was first said; history may already tell it as it was changed to.
        single.known_id is not null
        and single.kind <> 'undecryptable'
        and (
          single.known_kind = 'undecryptable'
          or array_position(sources, single.source) > array_position(sources, single.known_source)
        ),
        -- History may bring a message before it is delivered: only then is it unread.
        (
          single.best_source = 'live' and not single.from_me and single.kind <> 'system'
          and single.known_source is distinct from 'live' and single.known_source is distinct from 'outbox'
          and single.sent_at > coalesce(chat.read_up_to, '-infinity')
        )::integer
      )::wa_private.arrival order by single.first_place)
    from single
    inner join public.wa_chats as chat on chat.id = single.chat_id
  );
end;
$$;
comment on function wa_private.read_messages(uuid, jsonb, jsonb) is
'The messages of a batch, each once, in their order, with what they are to those that are there.';

revoke execute on function wa_private.read_messages(uuid, jsonb, jsonb) from public, anon, authenticated;
grant execute on function wa_private.read_messages(uuid, jsonb, jsonb) to service_role;
