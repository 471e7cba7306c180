"""The likely cause of a drift."""
