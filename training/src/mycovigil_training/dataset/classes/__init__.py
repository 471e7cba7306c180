"""Which safety class a species has, and who says so."""
