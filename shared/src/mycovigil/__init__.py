"""What every room of Mycovigil shares: settings, tables, image decoding, events, the command."""

__version__ = "0.1.0"
