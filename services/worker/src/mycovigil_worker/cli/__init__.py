"""Commands of the worker: judge windows, compare files, keep reference sets."""
