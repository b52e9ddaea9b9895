"""What business bots offer to tap on, and what a tap sends back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from devstack.whatsapp.context import How, Said, chat_of
from devstack.whatsapp.messages import SentMessage
from devstack.whatsapp.verbs.speaking import Speaker
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.groups import Group
    from devstack.whatsapp.people import Person

Button = E2E.ButtonsMessage.Button
Rows = E2E.ListMessage
Template = E2E.TemplateMessage.HydratedFourRowTemplate
Flow = E2E.InteractiveMessage.NativeFlowMessage
Response = E2E.InteractiveResponseMessage


class Business(Speaker):
    async def sends_buttons(
        self,
        to: Person | Group,
        text: str,
        labels: Sequence[str],
        *,
        footer: str = "",
        **how: Unpack[How],
    ) -> SentMessage:
        """Ids of the buttons are "0", "1" and so on; those of the next verbs too."""
        buttons = E2E.ButtonsMessage(
            contentText=text,
            footerText=footer,
            headerType=E2E.ButtonsMessage.EMPTY,
            buttons=[
                Button(
                    buttonID=str(number),
                    buttonText=Button.ButtonText(displayText=label),
                    type=Button.RESPONSE,
                )
                for number, label in enumerate(labels)
            ],
        )
        return await self._tell(to, E2E.Message(buttonsMessage=buttons), how)

    async def sends_list(
        self,
        to: Person | Group,
        text: str,
        rows: Sequence[str],
        *,
        title: str = "",
        button: str = "Menu",
        **how: Unpack[How],
    ) -> SentMessage:
        listed = Rows(
            title=title,
            description=text,
            buttonText=button,
            listType=Rows.SINGLE_SELECT,
            sections=[
                Rows.Section(
                    title=title,
                    rows=[
                        Rows.Row(rowID=str(number), title=row)
                        for number, row in enumerate(rows)
                    ],
                )
            ],
        )
        return await self._tell(to, E2E.Message(listMessage=listed), how)

    async def sends_template(
        self,
        to: Person | Group,
        text: str,
        labels: Sequence[str] = (),
        *,
        footer: str = "",
        **how: Unpack[How],
    ) -> SentMessage:
        """What the official API sends: approved text, with buttons to reply quickly."""
        quick = E2E.HydratedTemplateButton.HydratedQuickReplyButton
        template = Template(
            hydratedContentText=text,
            hydratedFooterText=footer,
            templateID="1",
            hydratedButtons=[
                E2E.HydratedTemplateButton(
                    index=number,
                    quickReplyButton=quick(displayText=label, ID=str(number)),
                )
                for number, label in enumerate(labels)
            ],
        )
        message = E2E.Message(
            templateMessage=E2E.TemplateMessage(
                hydratedTemplate=template, hydratedFourRowTemplate=template
            )
        )
        return await self._tell(to, message, how)

    async def sends_flow(
        self,
        to: Person | Group,
        text: str,
        labels: Sequence[str],
        *,
        footer: str = "",
        **how: Unpack[How],
    ) -> SentMessage:
        """The newest form of buttons: a "native flow"."""
        kinds = E2E.InteractiveMessage
        interactive = kinds(
            body=kinds.Body(text=text),
            footer=kinds.Footer(text=footer),
            nativeFlowMessage=Flow(
                buttons=[
                    Flow.NativeFlowButton(
                        name="quick_reply",
                        buttonParamsJSON=json.dumps(
                            {"display_text": label, "id": str(number)}
                        ),
                    )
                    for number, label in enumerate(labels)
                ]
            ),
        )
        return await self._tell(to, E2E.Message(interactiveMessage=interactive), how)

    async def taps(
        self, offer: Said, label: str, *, button_id: str = "0", **how: Unpack[How]
    ) -> SentMessage:
        """Choose what a message of the verbs above offered; the reply quotes it."""
        message = E2E.Message()
        if offer.message.HasField("listMessage"):
            reply = E2E.ListResponseMessage.SingleSelectReply(selectedRowID=button_id)
            message.listResponseMessage.CopyFrom(
                E2E.ListResponseMessage(
                    title=label,
                    listType=E2E.ListResponseMessage.SINGLE_SELECT,
                    singleSelectReply=reply,
                )
            )
        elif offer.message.HasField("templateMessage"):
            message.templateButtonReplyMessage.selectedDisplayText = label
            message.templateButtonReplyMessage.selectedID = button_id
        elif offer.message.HasField("interactiveMessage"):
            message.interactiveResponseMessage.CopyFrom(
                Response(
                    body=Response.Body(text=label),
                    nativeFlowResponseMessage=Response.NativeFlowResponseMessage(
                        name="quick_reply", paramsJSON=json.dumps({"id": button_id})
                    ),
                )
            )
        else:
            message.buttonsResponseMessage.selectedDisplayText = label
            message.buttonsResponseMessage.selectedButtonID = button_id
            kinds = E2E.ButtonsResponseMessage
            message.buttonsResponseMessage.type = kinds.DISPLAY_TEXT
        how["quoting"] = offer
        return await self._tell(chat_of(self._self, offer), message, how)
