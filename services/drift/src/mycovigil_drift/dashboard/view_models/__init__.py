"""What the pages show, prepared from rows of the database and documents of reports."""
