"""What a message says: its kind, its text, and what else is worth keeping. Pure."""
