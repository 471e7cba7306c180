"""Retrain jobs: asked for by an incident or by a person."""
