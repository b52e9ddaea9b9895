"""WhatsApp Web on the wire: transport, encoding and cryptography, without a server.

Everything here is a pure data structure or function; nothing opens a socket, so each
module can be tested alone. Sources: the protocol as the whatsmeow client implements it.
"""
