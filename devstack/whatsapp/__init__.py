"""An emulated WhatsApp for development, the demo and tests: see docs/devstack-whatsapp.md."""

from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.emulator import WhatsApp
from devstack.whatsapp.faults import Failure, Fault
from devstack.whatsapp.frames import Direction, MessageFrame
from devstack.whatsapp.groups import Group
from devstack.whatsapp.login_book import Login
from devstack.whatsapp.look_ups import LookUp
from devstack.whatsapp.messages import Failing, HeardMessage, Letter, SentMessage
from devstack.whatsapp.newsletters import Newsletter, Post
from devstack.whatsapp.people import Person
from devstack.whatsapp.phone import Phone
from devstack.whatsapp.receipt_book import ClientReceipt
from devstack.whatsapp.registration import PairingRefused, UnknownCode
from devstack.whatsapp.remembering import Conversation, Remembered
from devstack.whatsapp.verbs.calling import Call
from devstack.whatsapp.verbs.perceiving import SeenTyping

__all__ = [
    "Call",
    "ClientReceipt",
    "Conversation",
    "Direction",
    "Failing",
    "Failure",
    "Fault",
    "Group",
    "HeardMessage",
    "Letter",
    "LinkedDevice",
    "Login",
    "LookUp",
    "MessageFrame",
    "Newsletter",
    "PairingRefused",
    "Person",
    "Phone",
    "Post",
    "Remembered",
    "SeenTyping",
    "SentMessage",
    "UnknownCode",
    "WhatsApp",
]
