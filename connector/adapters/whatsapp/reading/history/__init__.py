"""History as the phone sends it: one event holds many chats, read one message at a time."""
