"""From feature rows to a calibrated, certified model."""
