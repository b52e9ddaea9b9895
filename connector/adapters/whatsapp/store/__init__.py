"""The session's WhatsApp store, which the worker's Go library writes and we only read."""
