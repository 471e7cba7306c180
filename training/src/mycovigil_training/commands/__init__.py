"""Sub-commands of ``mycovigil``; heavy modules are imported when a command runs."""
