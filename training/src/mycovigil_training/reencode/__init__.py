"""Encodes the kept photos of a day anew, by another encoder than the one that answered."""
