"""What curation sees in pictures: duplicates, specimens, diversity."""
