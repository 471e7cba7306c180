"""What labels that arrive later say about a judged window."""
