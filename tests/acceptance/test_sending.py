"""What an app inserts reaches the other phone once, or says why not."""

from __future__ import annotations

import uuid

import pytest
from postgrest.exceptions import APIError

from devstack.app import Row
from tests.acceptance.world import Linked, World


async def test_an_inserted_row_reaches_the_other_phone_and_follows_its_ticks(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    bob.receipts = "none"

    row_id = await linked.sends(f"+{bob.number}", "Seu pedido saiu para entrega.")
    pending = await linked.message("Seu pedido saiu para entrega.")
    heard = await bob.hears()
    sent = await linked.app.outbox_is(row_id, "sent")
    await bob.receives(heard)
    delivered = await linked.app.outbox_is(row_id, "delivered")
    await bob.reads(heard)
    read = await linked.app.outbox_is(row_id, "read")
    [message] = await linked.messages(body="Seu pedido saiu para entrega.")

    assert heard.text == "Seu pedido saiu para entrega."
    assert (pending["from_me"], pending["source"]) == (True, "outbox")
    assert sent["whatsapp_id"] == heard.whatsapp_id
    assert None not in (sent["sent_at"], delivered["delivered_at"], read["read_at"])
    assert (message["id"], message["status"]) == (pending["id"], "read")
    assert len(bob.heard) == 1


async def test_an_answer_may_go_to_a_number_an_address_or_a_chat(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    await bob.says(linked.owner, "oi")
    chat_id = (await linked.message("oi"))["chat_id"]

    for to in (bob.number, str(bob.lid), chat_id):
        row_id = await linked.sends(to, f"para {to}")
        await linked.app.outbox_is(row_id, "delivered")

    assert [heard.text for heard in bob.heard] == [
        f"para {to}" for to in (bob.number, str(bob.lid), chat_id)
    ]
    assert len(await linked.app.chats(linked.session_id)) == 1


async def test_a_group_hears_it_once_each(number: Linked) -> None:
    linked = number
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    family = world.stage.whatsapp.group("Família", linked.owner, [bob, carla])

    await linked.sends(str(family.jid), "cheguei")

    assert (await bob.hears()).text == "cheguei"
    assert (await carla.hears()).text == "cheguei"
    assert len(bob.heard) == len(carla.heard) == 1


async def test_many_rows_in_one_insert_keep_their_order(number: Linked) -> None:
    linked = number
    bob = linked.world.somebody("Bob")
    rows = [
        {
            "session_id": linked.session_id,
            "to": bob.number,
            "kind": "text",
            "payload": {"text": f"{number:03}"},
        }
        for number in range(100)
    ]

    await linked.app.client.table("wa_outbox").insert(rows).execute()
    for _ in rows:
        await bob.hears()

    assert [heard.text for heard in bob.heard] == [f"{n:03}" for n in range(100)]


async def test_an_id_the_app_chose_is_sent_once_however_often_it_is_inserted(
    number: Linked,
) -> None:
    linked = number
    bob = linked.world.somebody("Bob")
    chosen = str(uuid.uuid4())

    await linked.sends(bob.number, "uma vez", id=chosen)
    with pytest.raises(APIError, match="duplicate key"):
        await linked.sends(bob.number, "uma vez", id=chosen)
    await linked.app.outbox_is(chosen, "delivered")
    after = await linked.sends(bob.number, "depois")
    await linked.app.outbox_is(after, "delivered")

    assert [heard.text for heard in bob.heard] == ["uma vez", "depois"]


BAD_ROWS: list[tuple[Row, str, str]] = [
    ({"kind": "carrier_pigeon"}, "unknown_kind", "kind"),
    ({"payload": {"text": ""}}, "text_empty", "payload.text"),
    ({"payload": {"text": "x" * 70_000}}, "text_too_long", "70,000"),
    ({"payload": {"txt": "oi"}}, "invalid_payload", "payload has txt"),
    ({"payload": ["oi"]}, "invalid_payload", "payload"),
    ({"to": "call me maybe"}, "invalid_to", "to must be"),
    ({"to": "123"}, "invalid_to", "to must be"),
    ({"to": str(uuid.uuid4())}, "invalid_to", "chat of this session"),
]


@pytest.mark.parametrize(("bad", "code", "names"), BAD_ROWS)
async def test_a_row_that_can_never_be_sent_is_refused_with_a_code_and_a_sentence(
    number: Linked, bad: Row, code: str, names: str
) -> None:
    linked, bob = number, number.world.somebody("Bob")
    before = len(await linked.messages(from_me=True))
    good = {"to": bob.number, "kind": "text", "payload": {"text": "em seguida"}}
    row = {"session_id": linked.session_id} | good

    with pytest.raises(APIError) as refusal:
        await linked.app.client.table("wa_outbox").insert(row | bad).execute()
    await linked.app.client.table("wa_outbox").insert(row).execute()

    assert (refusal.value.code, refusal.value.details) == ("23514", code)
    assert names in str(refusal.value.message)
    assert refusal.value.hint
    assert (await bob.hears()).text == "em seguida"
    assert len(await linked.messages(from_me=True)) == before + 1


async def test_a_number_that_is_not_on_whatsapp_fails_by_name(number: Linked) -> None:
    linked = number
    nobody = linked.world.somebody("Nobody", on_whatsapp=False)
    bob = linked.world.somebody("Bob")

    lost = await linked.sends(nobody.number, "alô?")
    next_one = await linked.sends(bob.number, "oi, Bob")
    failed = await linked.app.outbox_is(lost, "failed")
    await linked.app.outbox_is(next_one, "delivered")

    assert failed["error_code"] == "not_on_whatsapp"
    assert failed["error_message"].startswith("to ")
    [message] = await linked.messages(body="alô?")
    assert message["status"] == "failed"


async def test_another_tenants_session_is_refused_at_the_insert(
    world: World, linked: Linked
) -> None:
    stranger = await world.app()
    bob = world.somebody("Bob")

    with pytest.raises(APIError) as refused:
        await stranger.sends(linked.session_id, bob.number, "não sou eu")
    after = await linked.sends(bob.number, "sou eu")
    await linked.app.outbox_is(after, "delivered")

    assert refused.value.code == "42501"
    assert [heard.text for heard in bob.heard] == ["sou eu"]


@pytest.mark.parametrize(("server_code", "code"), [(403, "refused_forbidden")])
async def test_a_refusal_for_good_fails_with_the_servers_code(
    linked: Linked, server_code: int, code: str
) -> None:
    bob = linked.world.somebody("Bob")
    linked.owner.ack_error = server_code

    row_id = await linked.sends(bob.number, "recusada")
    failed = await linked.app.outbox_is(row_id, "failed")
    linked.owner.ack_error = None
    after = await linked.sends(bob.number, "aceita")
    await linked.app.outbox_is(after, "delivered")

    assert failed["error_code"] == code
    assert str(server_code) in failed["error_message"]


@pytest.mark.parametrize(
    ("server_code", "code"),
    [(463, "timelocked"), (429, "throttled"), (420, "throttled")],
)
async def test_a_refusal_for_now_waits_its_turn(
    linked: Linked, server_code: int, code: str
) -> None:
    bob = linked.world.somebody("Bob")
    linked.owner.ack_error = server_code

    row_id = await linked.sends(bob.number, "mais tarde")

    async def refused() -> Row | None:
        row = await linked.app.outbox(row_id)
        return row if row["error_code"] else None

    waiting = await linked.app.until(refused)
    linked.owner.ack_error = None

    assert (waiting["state"], waiting["error_code"]) == ("queued", code)


async def test_rows_wait_while_the_number_is_offline(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    await linked.wants("disconnected")
    await linked.session_is("disconnected")

    row_id = await linked.sends(bob.number, "quando der")
    waiting = await linked.app.outbox(row_id)
    await linked.wants("connected")
    await linked.app.outbox_is(row_id, "delivered")

    assert waiting["state"] == "queued"
    assert [heard.text for heard in bob.heard] == ["quando der"]


async def test_a_group_that_the_number_was_removed_from_refuses_by_name(
    number: Linked,
) -> None:
    linked = number
    bob, carla = linked.world.somebody("Bob"), linked.world.somebody("Carla")
    team = linked.world.stage.whatsapp.group("Time", bob, [linked.owner, carla])
    before = await linked.sends(str(team.jid), "bom dia")
    await linked.app.outbox_is(before, "delivered")
    team.removes(linked.owner)

    row_id = await linked.sends(str(team.jid), "ainda estou aqui?")
    elsewhere = await linked.sends(carla.number, "me tiraram do grupo")
    row = await linked.app.outbox_is(row_id, "failed")
    await linked.app.outbox_is(elsewhere, "delivered")

    assert row["error_code"] == "refused_forbidden"
    assert [heard.text for heard in carla.heard] == ["bom dia", "me tiraram do grupo"]
