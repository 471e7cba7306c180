"""A retrain job: candidate against production, and the promotion gate."""
