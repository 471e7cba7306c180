"""The packaged demo model: it answers from the first minute, and vouches for nothing."""
