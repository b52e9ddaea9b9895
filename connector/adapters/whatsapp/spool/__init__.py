"""Where what WhatsApp delivered waits on disk: the worker writes, the supervisor reads and trims."""
