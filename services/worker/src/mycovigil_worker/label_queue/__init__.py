"""Photos whose labels are asked for: after a drift, and a few at random every week."""
