"""Servers of the field on the same encoder, each written as its own documentation shows it."""
