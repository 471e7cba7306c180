"""The prediction log: every answer is a durable row before the client has it."""
