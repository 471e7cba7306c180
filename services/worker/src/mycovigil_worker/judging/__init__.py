"""Judge one window: its rows, the test, and what is not tested."""
