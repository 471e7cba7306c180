"""What a report holds beside the test: evidence, cause, gallery, pages."""
