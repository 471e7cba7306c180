"""Models: bundle, registry, promotion, and the advice rules."""
