"""The rows of a reference set with their model's answers, ready to be frozen."""

from mycovigil.models.bundle import Bundle
from mycovigil.references.frozen_rows import FrozenRows
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.model.scoring import distances, probabilities


def frozen_rows(bundle: Bundle, rows: FeatureTable) -> FrozenRows:
    """The rows with the model's probabilities and novelty distances."""
    return FrozenRows(
        features=rows.features,
        probabilities=probabilities(bundle, rows.features),
        distances=distances(bundle, rows.features),
        covariates=rows.covariates,
        labels=rows.labels,
        species=rows.species,
        groups=rows.groups,
        sha256=rows.sha256,
        image_keys=rows.image_keys,
    )
