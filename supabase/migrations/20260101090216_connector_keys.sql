-- Purpose: which saved states a connector cannot open and another can, so that a machine with a wrong WA_STATE_KEY is
-- given no numbers (docs/leases.md).
-- Affects: wa_private.keys_of_others, wa_private.is_sealed_by (new).

create function wa_private.keys_of_others(p_holder text)
returns text[]
language sql
stable
security invoker
set search_path = ''
as $$
  select array(
    select unnest(other.state_keys)
    from wa_private.connectors as other
    where other.holder <> p_holder and other.shares_until > now() and other.capacity > 0
    except
    select unnest(mine.state_keys)
    from wa_private.connectors as mine
    where mine.holder = p_holder
  );
$$;
comment on function wa_private.keys_of_others(text) is
'Ids of keys that a connector lacks and another living one has: what is sealed with them is left to the others.';

create function wa_private.is_sealed_by(p_session_id uuid, p_keys text[])
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select exists (
    select from wa_private.device_states as state
    where state.session_id = p_session_id and state.key_id = any(p_keys)
  );
$$;
comment on function wa_private.is_sealed_by(uuid, text[]) is
'Whether the saved state of a session is sealed with one of these keys.';

revoke execute on function wa_private.keys_of_others(text) from public, anon, authenticated;
revoke execute on function wa_private.is_sealed_by(uuid, text[]) from public, anon, authenticated;
grant execute on function wa_private.keys_of_others(text) to service_role;
grant execute on function wa_private.is_sealed_by(uuid, text[]) to service_role;
