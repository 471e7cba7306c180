"""Stored features as a model answers them: probabilities and novelty made again by its bundle."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import structlog

from mycovigil.db.model import Model
from mycovigil.models import registry
from mycovigil.models.bundle import Bundle, BundleError
from mycovigil.references.feature_rows import Rows
from mycovigil.storage import MissingObject, Storage
from mycovigil_statistics.safety.novelty import mean_distance
from mycovigil_worker.days.day_rows import DayRows

log = structlog.get_logger(__name__)


@dataclass(frozen=True, eq=False)
class Scorer:
    """Answers of one model to rows of its encoder."""

    storage: Storage
    model: Model

    @cached_property
    def _bundle(self) -> Bundle | None:
        """Read when it is first needed; none where it is gone."""
        try:
            return registry.load_bundle(self.storage, self.model)
        except (MissingObject, BundleError) as error:
            log.warning("answers cannot be made again", model=self.model.version, error=str(error))
            return None

    def scored(self, found: DayRows) -> Rows:
        """The rows with this model's probabilities and distances: logged ones where it answered,
        else made again; rows that neither gives are left out."""
        mine = np.array([model == self.model.id for model in found.answering], bool)
        if mine.all():
            return found.rows
        rows, bundle = found.rows, self._bundle
        if bundle is None or rows.features.shape[1] != len(bundle.centre):
            return found.take(np.flatnonzero(mine)).rows
        others = np.flatnonzero(~mine)
        features = rows.features[others]
        probabilities, distances = rows.probabilities.copy(), rows.distances.copy()
        probabilities[others] = bundle.probabilities(features)
        # As the predictor logs it: the photo of an anchor lies at distance 0 from itself.
        distances[others] = mean_distance(features, bundle.anchors, bundle.meta.neighbours)
        return replace(rows, probabilities=probabilities, distances=distances)
