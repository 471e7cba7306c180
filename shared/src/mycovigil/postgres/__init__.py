"""Connections to Postgres: engines, timeouts, locks, partitions, migrations."""
