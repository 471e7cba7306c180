"""``python -m mycovigil`` is the ``mycovigil`` command."""

from mycovigil.cli import main

main()
