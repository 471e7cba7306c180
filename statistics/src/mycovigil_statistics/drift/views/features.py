"""The linear view of two samples: block means of everything whose mean could drift."""

from dataclasses import dataclass

import numpy as np

from mycovigil_statistics.drift.blocks import Blocks
from mycovigil_statistics.drift.views.density import Clusters, Fourier
from mycovigil_statistics.drift.views.scores import (
    rank_features,
    row_scores,
    strangeness,
    tail_features,
)
from mycovigil_statistics.drift.views.whitening import Whitening
from mycovigil_statistics.sample import FloatArray, Sample

Tables = dict[str, FloatArray]
SQUARED_AXES = 64
LARGEST_SQUARE = 9.0


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """What the fit learned from one half of the reference."""

    whitening: Whitening
    clusters: Clusters
    fourier: Fourier

    def describe(self, whitened: FloatArray, blocks: Blocks) -> Tables:
        """Block means of the features that a row has by itself; `whitened` follows `blocks`."""
        half = self.whitening.halve(whitened)
        nearest = self.clusters.squared_distances(half).argmin(axis=1)
        leaves = np.eye(len(self.clusters.centres), dtype=np.float32)[nearest]
        squares = np.minimum(np.square(whitened[:, :SQUARED_AXES]), LARGEST_SQUARE)
        return {
            "axes": blocks.means(whitened),
            "kernel": blocks.means(self.fourier.apply(half)),
            "squares": blocks.means(squares),
            "clusters": blocks.means(leaves) @ self.clusters.tree.T,
        }

    def scores(self, whitened: FloatArray) -> FloatArray:
        return row_scores(self.whitening, self.clusters, whitened)


def tabulate(
    geometry: Geometry, night: Sample, pool: Sample, sides: tuple[Blocks, Blocks]
) -> Tables:
    """Block means, the night's blocks first; pool features are whitened already.

    Ranks are taken over the rows of both samples together, so that no label leaks into them.
    """
    parts, scores = [], []
    for sample, blocks, whiten in ((night, sides[0], True), (pool, sides[1], False)):
        for chunk in blocks.chunks():
            rows = sample.features[chunk.rows]
            whitened = geometry.whitening.apply(rows) if whiten else rows
            parts.append(geometry.describe(whitened, chunk))
            scores.append(geometry.scores(whitened))
    tables = {name: np.vstack([part[name] for part in parts]) for name in parts[0]}
    tables["features"] = geometry.whitening.unwhiten(tables["axes"])
    ranks = rank_features(np.vstack(scores))
    tables["scores"] = _means(np.hstack([ranks, tail_features(ranks)]), sides)
    tables |= _predictions(night, pool, sides) | _covariates(night, pool, sides)
    return tables | _novelty(night, pool, sides)


def _predictions(night: Sample, pool: Sample, sides: tuple[Blocks, Blocks]) -> Tables:
    if night.probabilities is None or pool.probabilities is None:
        return {}
    rows = np.vstack([night.probabilities[sides[0].rows], pool.probabilities[sides[1].rows]])
    predicted = np.eye(rows.shape[1], dtype=np.float32)[rows.argmax(axis=1)]
    return {"probabilities": _means(rows, sides), "predicted": _means(predicted, sides)}


def _covariates(night: Sample, pool: Sample, sides: tuple[Blocks, Blocks]) -> Tables:
    if night.covariates is None or pool.covariates is None:
        return {}
    rows = np.vstack([night.covariates[sides[0].rows], pool.covariates[sides[1].rows]])
    ranks = rank_features(rows)
    missing = np.isnan(rows).astype(np.float32)
    spread = np.where(missing > 0, np.float32(0.25), np.abs(ranks))
    return {"covariates": _means(np.hstack([ranks, spread, missing]), sides)}


def _novelty(night: Sample, pool: Sample, sides: tuple[Blocks, Blocks]) -> Tables:
    """Ranks, top shares and strangeness: a few strange rows move the latter, many the ranks."""
    if night.novelty is None or pool.novelty is None:
        return {}
    ranks = rank_features(np.vstack([night.novelty[sides[0].rows], pool.novelty[sides[1].rows]]))
    return {
        "novelty": _means(np.hstack([ranks, tail_features(ranks)]), sides),
        "strangeness": _means(strangeness(ranks), sides),
    }


def _means(rows: FloatArray, sides: tuple[Blocks, Blocks]) -> FloatArray:
    """Block means of rows in the order of both sides' blocks, one after the other."""
    border = len(sides[0].rows)
    return np.vstack([sides[0].means(rows[:border]), sides[1].means(rows[border:])])
