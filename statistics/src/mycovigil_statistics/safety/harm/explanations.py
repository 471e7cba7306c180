"""What may have happened to a night, and what its photos then are.

Three explanations are fitted as mixtures: other class shares; other shares and a displacement of
all photos; a displacement and a new cluster. Each says of every photo which class it is of. They
are averaged, not chosen from (Hoeting et al., 1999, Bayesian model averaging), by weights that
depend on how much log-likelihood a displacement and a new cluster gain beyond chance, learned on
simulated nights (`benchmarks/drift_harm_train.py`). Whether a new cluster is deadly is guessed
from whose mean it lies nearest to, as sharply as was learned too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from mycovigil_statistics.safety.calibration import softmax
from mycovigil_statistics.safety.harm import weights
from mycovigil_statistics.safety.harm.mixture import Known, Mixture, Terms, fit
from mycovigil_statistics.safety.label_shift import Array

TERMS = (
    Terms(shares=True),
    Terms(shares=True, displacement=True),
    Terms(displacement=True, cluster=True),
)
# Log-likelihood a row that a cluster gains on calm nights, since no class is exactly normal.
EXCESS_A_ROW = 0.04
USUAL_ROWS = 1_000
# Part of the explanations' disagreement that is error: with all of it, 90% intervals cover .98.
DOUBT = 0.5
# Share of the nights in which nothing but shares moved that are said to fit.
FITTING = 0.999


@dataclass(frozen=True, slots=True, eq=False)
class Explanations:
    """`mixtures` of the explanations, the `evidence` (4,) that weighs them, and the `misfit`."""

    mixtures: tuple[Mixture, ...]
    evidence: Array
    misfit: float
    deadly: int

    @classmethod
    def of(cls, features: Array, probabilities: Array, known: Known, deadly: int) -> "Explanations":
        night, said = known.whiten(features), known.said(probabilities)
        mixtures = tuple(fit(night, said, known, terms) for terms in TERMS)
        misfit = _misfit(night, known, mixtures[0].shares)
        return cls(mixtures, _evidence(mixtures, *night.shape), misfit, deadly)

    @property
    def fits(self) -> bool:
        """Other shares alone explain the night's mean."""
        axes = len(self.mixtures[0].displacement)
        return self.misfit <= float(chi2.ppf(FITTING, axes)) / axes

    @property
    def strain(self) -> float:
        """In (-1, 1): how far the night is from what other shares explain; -.76 where they do."""
        return float(np.tanh(np.log(max(self.misfit, 1e-6)) - 1))

    @property
    def weights(self) -> Array:
        """(3,) of the explanations, summing to 1."""
        return softmax(np.array(weights.EXPLANATIONS) @ self.evidence)

    @property
    def posterior(self) -> Array:
        """(n, C) class probabilities of each photo."""
        pairs = zip(self.weights, self.mixtures, strict=True)
        return np.asarray(sum(weight * self._posterior(mixture) for weight, mixture in pairs))

    def doubt(self, chosen: NDArray[np.bool_]) -> float:
        """Variance of the share of photos that are deadly and `chosen` (n,), from not knowing which
        explanation holds and what the new cluster is."""
        figures = np.array(
            [(self._posterior(m)[:, self.deadly] * chosen).mean() for m in self.mixtures]
        )
        among = self.weights @ np.square(figures - self.weights @ figures)
        clustered = self.mixtures[-1]
        chance = deadly_chance(clustered.distances, self.deadly)
        stray = float((clustered.newness * chosen).mean()) ** 2 * chance * (1 - chance)
        return DOUBT * float(among + self.weights[-1] * stray)

    def _posterior(self, mixture: Mixture) -> Array:
        new = mixture.newness[:, None]
        return np.asarray((1 - new) * mixture.posterior + new * self._guess(mixture.distances))

    def _guess(self, distances: Array) -> Array:
        """(C,) chances of what a new cluster is: deadly, or else of the nearest class."""
        chance = deadly_chance(distances, self.deadly)
        others = np.where(np.arange(len(distances)) == self.deadly, np.inf, distances)
        classes = np.eye(len(distances))
        return np.asarray(chance * classes[self.deadly] + (1 - chance) * classes[others.argmin()])


def deadly_chance(
    distances: Array,
    deadly: int,
    sharpness: float = weights.SHARPNESS,
    offset: float = weights.OFFSET,
) -> float:
    """Of a cluster at these squared distances (C,) from the classes' means."""
    return float(chance_behind(behind(distances, deadly), sharpness, offset))


def behind(distances: Array, deadly: int) -> float:
    """How much farther the deadly mean is than the nearest other."""
    return float(distances[deadly] - np.delete(distances, deadly).min())


def chance_behind(far: ArrayLike, sharpness: float, offset: float) -> Array:
    """Chances of being deadly by how far `behind` it is."""
    return np.asarray(1 / (1 + np.exp(np.clip(sharpness * np.asarray(far) - offset, -30, 30))))


def _evidence(mixtures: tuple[Mixture, ...], rows: int, axes: int) -> Array:
    """What a displacement and a cluster gain beyond chance, in units of half the axes."""
    shares, displaced, clustered = (mixture.loglikelihood for mixture in mixtures)
    moved = displaced - shares - axes / 2
    parted = clustered - displaced - axes - EXCESS_A_ROW * rows
    gains = np.tanh(2 * np.array([moved, parted]) / axes)
    return np.array([1.0, *gains, np.log(rows / USUAL_ROWS)])


def _misfit(night: Array, known: Known, shares: Array) -> float:
    moved = night.mean(axis=0) - shares @ known.means
    variance = 1 / len(night) + float((np.square(shares) / known.counts).sum())
    return float(np.square(moved).sum() / variance / night.shape[1])
