"""The model card: what a model learned from, what it does not know, how well it does, its hazards.

After Mitchell et al. 2019, "Model Cards for Model Reporting", FAT* 2019.
"""

from typing import Any

import numpy as np

from mycovigil.models.bundle import Bundle
from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil_training.configuration import TrainConfig
from mycovigil_training.dataset.classes.species_table import read_table
from mycovigil_training.evaluate.evaluation import Photos, judged_by_folds
from mycovigil_training.evaluate.folds import TooFewGroups
from mycovigil_training.evaluate.leading import leading_figures
from mycovigil_training.evaluate.recipes import Rows, head
from mycovigil_training.features.table import FeatureTable

INTENDED = (
    "To warn: a photo in, advice out (avoid, expert check, cannot tell), for people who ask an "
    "expert before they eat. Not to decide that a mushroom may be eaten; no answer says so."
)
HAZARDS = (
    "A deadly species that it has not seen can look to it like one that is eaten.",
    "Photos show neither smell, spore print nor cut; many deadly species have look-alikes.",
    "Its figures hold for photos like those it was judged on, not for other places and cameras.",
)


def with_card(
    bundle: Bundle,
    learned: FeatureTable,
    config: TrainConfig,
    folds: FeatureTable | None,
    identity: EncoderIdentity,
) -> Bundle:
    """The bundle with its card among its metrics.

    Args:
        learned: the rows that the head was trained on.
        folds: rows for figures out of fold; none where they would take too long.
        identity: of the encoder; photos that it has learned from are not judged on.
    """
    card = {
        "content_hash": bundle.meta.training.get("content_hash", ""),
        "git_revision": bundle.meta.training.get("git_revision", ""),
        "seed": config.seed,
        "intended_use": INTENDED,
        "hazards": list(HAZARDS),
        "species": _species(learned),
        "deadly_unseen": _deadly_unseen(learned),
        "out_of_fold": _out_of_fold(folds, config, identity) if folds is not None else None,
    }
    meta = bundle.meta.model_copy(update={"metrics": bundle.meta.metrics | {"card": card}})
    return bundle.model_copy(update={"meta": meta})


def _species(learned: FeatureTable) -> dict[str, dict[str, int]]:
    """Photos by class and species, the most dangerous class first."""
    return {
        CLASSES[number].value: {
            str(name): int(count)
            for name, count in zip(
                *np.unique(learned.species[learned.labels == number], return_counts=True),
                strict=True,
            )
            if name
        }
        for number in reversed(range(len(CLASSES)))
    }


def _deadly_unseen(learned: FeatureTable) -> list[str]:
    """Deadly species of the species table that it never saw."""
    table = read_table()
    seen = {table.accepted(str(name)) for name in np.unique(learned.species)}
    return sorted(
        row.name
        for row in table.rows
        if row.safety_class == SafetyClass.DEADLY and row.name not in seen
    )


def _out_of_fold(
    rows: FeatureTable, config: TrainConfig, identity: EncoderIdentity
) -> dict[str, Any] | None:
    """The leading figures of the head by folds over specimens; None where a class has one only or
    the encoder has learned from every photo."""
    nothing = np.empty((len(rows), 0), np.float32)
    table = Rows(rows.features, nothing, rows.labels, rows.species, rows.groups)
    photos = Photos(table, ~identity.learned_from(rows.sha256.tolist()), nothing, "")
    try:
        found = judged_by_folds(photos, {"head": head(config)}, rows.groups, config, "specimens")
    except TooFewGroups:
        return None
    figures = found["head"]
    return {
        "photos": figures["photos"],
        "specimens": figures["specimens"],
        **leading_figures(figures),
        "recall": figures["recall"],
    }
