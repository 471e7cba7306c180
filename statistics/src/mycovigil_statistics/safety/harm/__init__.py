"""An estimate, without labels, of how often deadly photos are called edible."""
