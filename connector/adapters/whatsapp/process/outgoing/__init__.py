"""What we send, as the protobufs WhatsApp wants."""

from connector.adapters.whatsapp.process.outgoing.addresses import address
from connector.adapters.whatsapp.process.outgoing.writing import message

__all__ = ["address", "message"]
