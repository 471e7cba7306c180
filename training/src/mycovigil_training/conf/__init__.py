"""Hydra's configuration: ``train.yaml`` and its groups."""
