"""Every kind of message is a row that a member can show, and nobody else can see."""

from __future__ import annotations

import pytest

from devstack.whatsapp.wire.protobufs import E2E
from tests.acceptance.world import Linked


@pytest.fixture
def linked(number: Linked) -> Linked:
    return number


async def test_a_link_comes_with_its_preview(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.sends_link(
        linked.owner,
        "veja https://example.com/bolo",
        url="https://example.com/bolo",
        title="Bolo de cenoura",
        description="A receita da vovó",
    )
    row = await linked.said(sent)

    assert (row["kind"], row["body"]) == ("text", "veja https://example.com/bolo")
    preview = row["content"]["link_preview"]
    assert preview["url"] == "https://example.com/bolo"
    assert preview["title"] == "Bolo de cenoura"
    assert preview["description"] == "A receita da vovó"


# What the README tells an app to ask for.
AS_SHOWN = (
    "*, sender:wa_contacts(display_name, avatar_path),"
    " quoted:quoted_message_id(body), file:wa_attachments(*)"
)


async def test_a_reply_is_linked_to_what_it_quotes(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    question = await bob.says(linked.owner, "qual o sabor?")
    answer = await bob.replies(linked.owner, question, "esse mesmo")
    quoted, reply = await linked.said(question), await linked.said(answer)

    assert reply["quoted_whatsapp_id"] == question.whatsapp_id
    assert reply["quoted_message_id"] == quoted["id"]
    assert reply["content"]["quoted"]["body"] == "qual o sabor?"
    shown = await linked.shown("wa_messages", AS_SHOWN, whatsapp_id=answer.whatsapp_id)
    assert shown["sender"]["display_name"] == "Bob"
    assert shown["quoted"] == {"body": "qual o sabor?"}
    assert shown["file"] is None


async def test_a_reply_waits_for_what_it_quotes(linked: Linked) -> None:
    """The quoted message may come later: held up, or sent again."""
    bob = linked.world.somebody("Bob")
    later = "3EB0QUOTEDLATER0001"

    reply = await bob.sends_raw(
        linked.owner,
        E2E.Message(
            extendedTextMessage=E2E.ExtendedTextMessage(
                text="respondo já",
                contextInfo=E2E.ContextInfo(
                    stanzaID=later,
                    participant=str(bob.lid),
                    quotedMessage=E2E.Message(conversation="primeiro"),
                ),
            )
        ),
    )
    assert (await linked.said(reply))["quoted_message_id"] is None
    question = await bob.says(linked.owner, "primeiro", whatsapp_id=later)
    quoted = await linked.said(question)

    linked_to = await linked.becomes(reply, lambda row: row["quoted_message_id"])
    assert linked_to["quoted_message_id"] == quoted["id"]


async def test_mentions_name_people_by_their_lasting_address(linked: Linked) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    family = world.stage.whatsapp.group("Família", linked.owner, [bob, carla])

    sent = await bob.mentions(family, f"@{carla.lid_user} vem?", carla)
    row = await linked.said(sent)

    assert row["mentions"] == [str(carla.lid)]


async def test_a_forwarded_message_says_so(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    told = await bob.says(linked.owner, "promoção!")
    sent = await bob.forwards(linked.owner, told)
    row = await linked.said(sent)

    assert (row["body"], row["content"]["forwarded"]) == ("promoção!", True)


async def test_a_place_has_coordinates_and_a_name(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.sends_location(
        linked.owner, -22.9519, -43.2105, name="Cristo Redentor", address="Corcovado"
    )
    row = await linked.said(sent)

    assert row["kind"] == "location"
    content = row["content"]
    assert (content["latitude"], content["longitude"]) == (-22.9519, -43.2105)
    assert content["address"] == "Corcovado"


async def test_a_live_place_is_told_apart(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.shares_live_location(
        linked.owner, -23.5, -46.6, caption="a caminho"
    )
    row = await linked.said(sent)

    assert (row["kind"], row["body"]) == ("live_location", "a caminho")
    assert row["content"]["latitude"] == -23.5


async def test_contact_cards_can_be_called(linked: Linked) -> None:
    bob, carla = linked.world.somebody("Bob"), linked.world.somebody("Carla")

    sent = await bob.shares_contacts(linked.owner, carla)
    row = await linked.said(sent)

    assert row["kind"] == "contact"
    [card] = row["content"]["contacts"]
    assert card["name"] == "Carla"
    assert carla.number in "".join(filter(str.isdigit, "".join(card["phones"])))


async def test_votes_are_counted(linked: Linked) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    team = world.stage.whatsapp.group("Time", linked.owner, [bob, carla])

    poll = await bob.polls(team, "Pizza ou sushi?", ["Pizza", "Sushi"])
    row = await linked.said(poll)
    await bob.votes(poll, "Pizza")
    await carla.votes(poll, "Pizza")
    await bob.votes(poll, "Sushi")

    assert (row["kind"], row["body"]) == ("poll", "Pizza ou sushi?")
    assert row["content"]["options"] == ["Pizza", "Sushi"]
    inbox = await world.inbox()

    async def look() -> dict[str, int] | None:
        found = await inbox.rows(
            linked.app, "wa_poll_results", "*", {"message_id": row["id"]}
        )
        votes = {one["option"]: one["votes"] for one in found}
        return votes if votes == {"Pizza": 1, "Sushi": 1} else None

    await linked.app.until(look)
    stranger = await world.stranger()
    assert await inbox.rows(stranger, "wa_poll_results", "*", {}) == []


async def test_what_may_be_seen_once_is_not_kept(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.sends_view_once(linked.owner, b"\xff\xd8\xff\xe0 secret")
    row = await linked.said(sent)

    assert (row["kind"], row["body"]) == ("view_once", None)
    assert row["content"]["of"] == "image"
    inbox = await linked.world.inbox()
    files = {"message_id": row["id"]}
    assert await inbox.rows(linked.app, "wa_attachments", "*", files) == []


async def test_what_we_do_not_know_names_itself(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.sends_raw(
        linked.owner,
        E2E.Message(
            sendPaymentMessage=E2E.SendPaymentMessage(
                noteMessage=E2E.Message(conversation="pix")
            )
        ),
    )
    row = await linked.said(sent)

    assert row["kind"] == "unsupported"
    assert row["content"]["raw_kind"] == "sendPaymentMessage"


async def test_what_a_business_bot_offers_can_be_read(linked: Linked) -> None:
    shop = linked.world.somebody("Loja")

    sent = await shop.sends_buttons(
        linked.owner, "Como posso ajudar?", ["Pedido", "Troca"]
    )
    row = await linked.said(sent)

    assert (row["kind"], row["body"]) == ("interactive", "Como posso ajudar?")
    offered = [choice["text"] for choice in row["content"]["choices"]]
    assert offered == ["Pedido", "Troca"]
