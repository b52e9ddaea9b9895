"""The story: a shop links its number, a customer writes, the app answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from devstack.app import App, Row
from devstack.connector_process import ConnectorProcess
from devstack.demo.narrator import Narrator
from devstack.demo.sending import app_sends_more
from devstack.stage import Stage
from devstack.whatsapp import Conversation, LinkedDevice, Person, Remembered

GREETING: Final = "Oi! Vocês têm bolo de cenoura hoje?"
ANSWER: Final = "Temos sim! Acabou de sair do forno. 🥕🍰"
BY_HAND: Final = "Guardo um para você até as 18h."
CAPTION: Final = "Esse aqui!"
# What a JPEG begins and ends with is enough to be told for one.
PHOTO: Final = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 64 + b"\xff\xd9"
A_LONG_TIME: Final = 365 * 86_400.0  # seconds
OLD: Final = (
    Remembered(text="Vocês abrem no domingo?", age=timedelta(days=3)),
    Remembered(text="Abrimos, das 8h às 13h.", age=timedelta(days=3), from_me=True),
)


@dataclass
class Story:
    """Told on a stage; each claim is checked against the tables and the phones."""

    stage: Stage
    narrator: Narrator
    app: App
    ana: Person
    bob: Person
    connector: ConnectorProcess
    session_id: str = ""

    @classmethod
    async def begin(cls, stage: Stage, narrator: Narrator) -> Story:
        ana = stage.whatsapp.person("5511912345678", "Ana")
        bob = stage.whatsapp.person("5521987654321", "Bob")
        ana.phone.remembers([Conversation(bob, OLD)])
        app = await stage.app("Ana's bakery")
        connector = stage.connector()
        await connector.start()
        return cls(stage, narrator, app, ana, bob, connector)

    async def tell(self) -> None:
        device = await self.links_the_number()
        await self.history_arrives()
        await self.customer_writes(device)
        photo = await self.customer_sends_a_photo()
        await self.app_answers()
        await app_sends_more(self, photo)
        await self.owner_types_on_the_phone()
        self.nothing_was_left_unanswered()

    async def links_the_number(self) -> LinkedDevice:
        narrator, app = self.narrator, self.app
        async with narrator.chapter("The app asks for a link: it inserts one row."):
            self.session_id = await app.adds_number("Bakery", desired_state="connected")
            code = await app.qr_shown(self.session_id)
            session = await app.session(self.session_id)
            narrator.checks("the QR is in wa_sessions.qr_code, for members only", code)
            narrator.checks(
                "and as a picture for the web page in qr_image",
                str(session["qr_image"]).startswith("data:image/png;base64,"),
            )
            narrator.qr(code)
        async with narrator.chapter("Ana scans it with her (emulated) phone."):
            device = await self.ana.phone.scans(code)
            session = await app.session_is(self.session_id, "connected")
            narrator.checks(
                f"the session is connected as +{session['phone_number']}", session
            )
            narrator.checks("the QR is gone from the row", session["qr_code"] is None)
        return device

    async def history_arrives(self) -> None:
        async with self.narrator.chapter("What her phone remembered comes with it."):
            for old in OLD:
                row = await self.app.message_with(self.session_id, old.text)
                self.narrator.checks(
                    f"“{row['body']}”, {row['source']}", row["from_me"] is old.from_me
                )

    async def customer_writes(self, device: LinkedDevice) -> None:
        async with self.narrator.chapter("Bob writes from his phone."):
            sent = await self.bob.says(self.ana, GREETING)
            row = await self.app.message_with(self.session_id, GREETING)
            self.narrator.checks(
                f"his message is a row: “{row['body']}” from {row['sender_name']}",
                row["whatsapp_id"] == sent.whatsapp_id and not row["from_me"],
                row,
            )
            await self.stage.whatsapp.receipted(sent.whatsapp_id)
            self.narrator.checks(
                "WhatsApp was told that it arrived", not device.undelivered
            )

    async def customer_sends_a_photo(self) -> Row:
        narrator, app = self.narrator, self.app
        async with narrator.chapter("Bob sends a photo, then has second thoughts."):
            sent = await self.bob.sends_image(self.ana, PHOTO, caption="Eçe aqui!")
            row = await app.row_where("wa_messages", bool, whatsapp_id=sent.whatsapp_id)
            file = await app.row_where(
                "wa_attachments",
                lambda one: one["state"] == "stored",
                message_id=row["id"],
            )
            narrator.checks(
                f"the photo is in Storage, {file['mime_type']} by its bytes", file
            )
            narrator.checks(
                "a signed address opens it, byte for byte",
                await app.opens(file["storage_path"]) == PHOTO,
            )
            await self.bob.edits(sent, CAPTION)
            await app.row_where(
                "wa_messages", lambda one: one["body"] == CAPTION, id=row["id"]
            )
            [version] = await app.rows("wa_message_edits", message_id=row["id"])
            narrator.checks(
                f"he edits: “{CAPTION}”, and “{version['body']}” is kept", version
            )
            await self.bob.reacts(sent, "🥕")
            reaction = await app.row_where(
                "wa_reactions", bool, whatsapp_id=sent.whatsapp_id
            )
            narrator.checks(f"he reacts with {reaction['emoji']}", reaction)
        return row

    async def app_answers(self) -> None:
        narrator, app = self.narrator, self.app
        async with narrator.chapter("The app answers: it inserts into wa_outbox."):
            outbox_id = await app.sends(self.session_id, f"+{self.bob.number}", ANSWER)
            heard = await self.bob.hears()
            narrator.checks(f"Bob reads “{heard.text}”", heard.text == ANSWER)
            row = await app.outbox_is(outbox_id, "delivered")
            narrator.checks("the row says delivered", row["delivered_at"])
            await self.bob.reads(heard)
            row = await app.outbox_is(outbox_id, "read")
            narrator.checks("Bob opens the chat, and the row says read", row["read_at"])
            narrator.checks(
                "he got it exactly once",
                [m.text for m in self.bob.heard_from(self.ana)] == [ANSWER],
            )

    async def owner_types_on_the_phone(self) -> None:
        async with self.narrator.chapter("Ana also writes, on her phone."):
            await self.ana.phone.says(self.bob, BY_HAND)
            await self.bob.hears()  # and leaves it at that
            row = await self.app.message_with(self.session_id, BY_HAND)
            self.narrator.checks(
                "the inbox has it too, as her own",
                row["from_me"] and row["source"] == "phone",
                row,
            )
            chats = await self.app.chats(self.session_id)
            self.narrator.checks("all of it is one chat", len(chats) == 1, len(chats))

    def nothing_was_left_unanswered(self) -> None:
        whatsapp = self.stage.whatsapp
        if whatsapp.unanswered or whatsapp.escaped:
            self.narrator.checks(
                "WhatsApp understood every stanza, and nothing left this machine",
                False,  # noqa: FBT003 - the claim does not hold
                [node.tag for node in whatsapp.unanswered] + whatsapp.escaped,
            )

    async def bob_keeps_talking(self) -> None:
        """Answer everything Bob hears from now on."""
        while True:
            heard = await self.bob.hears(timeout=A_LONG_TIME)
            await self.bob.reads(heard)
            answer = f"Você escreveu: {heard.text}" if heard.text else "Recebi! 👀"
            await self.bob.says(self.ana, answer)

    async def tables(self) -> dict[str, list[Row]]:
        """What the member may see, by table."""
        return {
            "wa_sessions": [await self.app.session(self.session_id)],
            "wa_chats": await self.app.chats(self.session_id),
            "wa_messages": await self.app.messages(self.session_id),
            "wa_attachments": await self.app.rows("wa_attachments"),
            "wa_outbox": await self.app.rows("wa_outbox"),
        }
