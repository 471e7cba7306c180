"""Models and their way into production and back."""
