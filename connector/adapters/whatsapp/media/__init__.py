"""Files of messages: fetched from WhatsApp's servers, kept encrypted, proven, decrypted on the way."""
