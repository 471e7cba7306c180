"""Trainings as custom jobs on Vertex AI."""
