"""Search the settings of training by what they cost, out of fold."""
