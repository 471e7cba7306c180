"""Which windows are due, their rows, and the test that judges them."""
