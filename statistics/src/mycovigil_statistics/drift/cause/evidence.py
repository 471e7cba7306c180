"""What a drifted night looks like from several sides: the numbers that a cause is read from.

Each number answers one question and is built to ignore the other causes: displacement is measured
within clusters (a changed mixture moves none) and on inconspicuous rows (a few novel ones do not
count); novelty after the whole night's scores were aligned (a camera that blurs all rows makes
none conspicuous); a changed mixture by how well class priors alone explain the clusters' shares.
"""

from dataclasses import dataclass

import numpy as np

from mycovigil_statistics.drift.cause.cohesion import cohesion
from mycovigil_statistics.drift.reference import FittedReference
from mycovigil_statistics.drift.result import DriftResult
from mycovigil_statistics.safety.label_shift import likelihood_shares
from mycovigil_statistics.sample import FloatArray, IntArray, Sample

MOST_ROWS = 5_000
CONSPICUOUS = 0.10
# A smaller p says no more about the cause: it grows with relabellings, not with the shift.
LEAST_P = 0.003


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One sample, ready to compare: whitened rows and the features themselves (up to their mean),
    cluster of each, scores, probabilities, independent units."""

    whitened: FloatArray
    features: FloatArray
    cluster: IntArray
    scores: FloatArray
    probabilities: FloatArray | None
    units: IntArray

    @property
    def rows(self) -> int:
        return len(self.whitened)

    def shares(self, clusters: int, weights: FloatArray | None = None) -> FloatArray:
        counts = np.bincount(self.cluster, weights, minlength=clusters)
        return np.asarray(counts / counts.sum())


def gather(
    fitted: FittedReference, result: DriftResult, night: Sample, seed: int = 0
) -> dict[str, float]:
    """All evidence by name; 0 where the input for it is missing."""
    generator = np.random.default_rng(seed)
    clusters = _strata(fitted, night.rows)
    tonight = _side(fitted, night, clusters, generator, whiten=True)
    calm = _side(fitted, fitted.pool, clusters, generator, whiten=False)
    return {
        **_covariates(result),
        **_priors(tonight, calm, int(clusters.max()) + 1),
        **_novelty(tonight, calm),
        **_displacement(tonight, calm, generator),
        **_concentration(tonight, calm, generator),
        **cohesion(
            tonight.features,
            calm.features,
            tonight.units,
            calm.units,
            generator,
            _like_tonight(tonight, calm),
        ),
    }


def _strata(fitted: FittedReference, rows: int) -> IntArray:
    """Stratum of each leaf cluster: coarser for small nights."""
    tree = fitted.geometry.clusters
    nodes = tree.cut(int(np.clip(rows // 25, 2, 16)))
    return np.asarray(tree.tree[nodes].argmax(axis=0), np.int64)


def _side(
    fitted: FittedReference,
    sample: Sample,
    strata: IntArray,
    generator: np.random.Generator,
    *,
    whiten: bool,
) -> Side:
    if sample.rows > MOST_ROWS:
        sample = sample.take(np.sort(generator.permutation(sample.rows)[:MOST_ROWS]))
    geometry = fitted.geometry
    whitened = geometry.whitening.apply(sample.features) if whiten else sample.features
    distances = geometry.clusters.squared_distances(geometry.whitening.halve(whitened))
    cluster = strata[distances.argmin(axis=1)]
    features = geometry.whitening.unwhiten(whitened)
    scores = np.log(geometry.scores(whitened) + 1e-12)
    return Side(whitened, features, cluster, scores, sample.probabilities, sample.units)


def _covariates(result: DriftResult) -> dict[str, float]:
    effects = {view.name: view.effect for view in result.views}
    p_value = result.group_p_values.get("covariates", 1.0)
    return {
        "covariate_shift": effects.get("largest_covariate", 0.0),
        "covariate_signal": -float(np.log10(max(p_value, LEAST_P))),
    }


def _priors(tonight: Side, calm: Side, clusters: int) -> dict[str, float]:
    """Shift of class priors, and the share of the clusters' shift that it explains."""
    before = _chi_square(tonight.shares(clusters), calm.shares(clusters), tonight.rows)
    if tonight.probabilities is None or calm.probabilities is None:
        return {"prior_shift": 0.0, "prior_signal": 0.0} | _explained(before, before)
    source = calm.probabilities.mean(axis=0, dtype=np.float64)
    target = likelihood_shares(tonight.probabilities, source)
    shift = 0.5 * float(np.abs(target - source).sum())
    ratio = target / np.maximum(source, 1e-9)
    weights = calm.probabilities @ ratio
    after = _chi_square(tonight.shares(clusters), calm.shares(clusters, weights), tonight.rows)
    effective = 1 / (1 / tonight.rows + 1 / calm.rows)
    return {
        "prior_shift": shift,
        "prior_signal": shift * float(np.sqrt(effective)),
    } | _explained(before, after)


def _like_tonight(tonight: Side, calm: Side) -> FloatArray | None:
    """Weights of the calm rows that give them the night's class priors."""
    if tonight.probabilities is None or calm.probabilities is None:
        return None
    source = calm.probabilities.mean(axis=0, dtype=np.float64)
    target = likelihood_shares(tonight.probabilities, source)
    return np.asarray(calm.probabilities @ (target / np.maximum(source, 1e-9)) + 1e-9)


def _explained(before: float, after: float) -> dict[str, float]:
    return {
        "prior_explains": float(np.log1p(before) - np.log1p(after)),
        "clusters_unexplained": float(np.log1p(after)),
    }


def _chi_square(observed: FloatArray, expected: FloatArray, rows: int) -> float:
    """Per degree of freedom, 1 on average where nothing drifted."""
    known = expected > 0
    terms = np.square(observed - expected)[known] / expected[known]
    return float(rows * terms.sum() / max(known.sum() - 1, 1))


def _novelty(tonight: Side, calm: Side) -> dict[str, float]:
    """Excess of conspicuous rows after aligning medians, and how far all rows went outwards."""
    move = np.median(tonight.scores, axis=0) - np.median(calm.scores, axis=0)
    quartiles = np.subtract(*np.quantile(calm.scores, [0.75, 0.25], axis=0)) + 1e-9
    limits = np.quantile(calm.scores, 1 - CONSPICUOUS, axis=0)
    shares = (tonight.scores - move > limits).mean(axis=0)
    excess = (shares - CONSPICUOUS) / (1 - CONSPICUOUS)
    error = np.sqrt(CONSPICUOUS * (1 - CONSPICUOUS) * (1 / tonight.rows + 1 / calm.rows))
    return {
        "novel_share": float(max(0.0, excess.max())),
        "novel_signal": float((shares - CONSPICUOUS).max() / error),
        "outward": float((move / quartiles)[0]),
        "outward_signal": float((move / quartiles)[0] * np.sqrt(tonight.rows)),
    }


def _displacement(tonight: Side, calm: Side, generator: np.random.Generator) -> dict[str, float]:
    """Length of the common move of inconspicuous rows within clusters, cross-fitted on halves.

    The product of two independent estimates has mean |move|² and no bias from noise.
    """
    plain = _inconspicuous(tonight), _inconspicuous(calm)
    halves = [generator.random(side.rows) < 0.5 for side in (tonight, calm)]
    moves, variances = [], []
    for first in (True, False):
        chosen = [keep & (half == first) for keep, half in zip(plain, halves, strict=True)]
        move, variance = _within_clusters(tonight, calm, chosen[0], chosen[1])
        moves.append(move)
        variances.append(variance)
    product = float(moves[0] @ moves[1])
    noise = np.sqrt(len(moves[0]) * variances[0] * variances[1]) + 1e-12
    return {
        "displacement": float(np.sqrt(max(0.0, product))),
        "displacement_signal": float(product / noise),
    }


def _inconspicuous(side: Side) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    centred = side.scores - np.median(side.scores, axis=0)
    return np.asarray((centred <= np.quantile(centred, 0.8, axis=0)).all(axis=1))


def _within_clusters(
    tonight: Side, calm: Side, some: FloatArray, others: FloatArray
) -> tuple[FloatArray, float]:
    """Mean difference averaged over clusters by the night's rows, and its variance an axis."""
    move, variance, total = np.zeros(tonight.whitened.shape[1]), 0.0, 0
    for cluster in np.unique(tonight.cluster[some > 0]):
        ours = some & (tonight.cluster == cluster)
        theirs = others & (calm.cluster == cluster)
        if not theirs.any():
            continue
        n, m = int(ours.sum()), int(theirs.sum())
        difference = tonight.whitened[ours].mean(axis=0) - calm.whitened[theirs].mean(axis=0)
        move += n * difference
        variance += n**2 * (1 / n + 1 / m)
        total += n
    return move / max(total, 1), variance / max(total, 1) ** 2


def _concentration(tonight: Side, calm: Side, generator: np.random.Generator) -> dict[str, float]:
    """Along the direction of drift: how far the middle row moved, and the mean beyond it."""
    middles, beyonds = [], []
    half, other = generator.random(tonight.rows) < 0.5, generator.random(calm.rows) < 0.5
    for first in (True, False):
        learned = tonight.whitened[half == first].mean(axis=0)
        direction = learned - calm.whitened[other == first].mean(axis=0)
        ours = tonight.whitened[half != first] @ direction
        theirs = calm.whitened[other != first] @ direction
        spread = float(theirs.std()) or 1.0
        middles.append((np.median(ours) - np.median(theirs)) / spread)
        beyonds.append((ours.mean() - theirs.mean()) / spread - middles[-1])
    scale = np.sqrt(tonight.rows)
    return {
        "middle_moved": float(np.mean(middles)),
        "tail_moved": float(np.mean(beyonds)),
        "middle_signal": float(np.mean(middles) * scale),
        "tail_signal": float(np.mean(beyonds) * scale),
    }
