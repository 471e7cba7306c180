"""CloudEvents: the outbox, the inbox, and publishers."""
