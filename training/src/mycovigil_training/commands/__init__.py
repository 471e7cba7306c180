"""Sub-commands of ``mycovigil``; light modules, the work is imported when it is done."""
