"""The head: a linear layer on encoder features that tells species, summed to safety classes."""
