"""The place: viewpoint, light, ground, plants and what else lies about."""
