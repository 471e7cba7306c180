"""Complementary statistics of one relabelling: each sees a kind of shift that others miss.

Every statistic is a function of mean differences between night and pool. Sums are squared effect
sizes (standardised mean differences, Mahalanobis distances, Cohen's w², MMD²), maxima are effect
sizes, so that a view's effect can be read without knowing the numbers of rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics.drift.views.features import Geometry, Tables
from mycovigil_statistics.sample import FloatArray

Differences = dict[str, FloatArray]
CLUSTER_CUTS = (4, 8, 16)


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """`of` maps mean differences, raw and standardised (each (p, f) by table), to (p,)."""

    name: str
    group: str
    of: Callable[[Differences, Differences], FloatArray]
    squared: bool = True

    def effect(self, observed: float, calm: float) -> float:
        """Effect size in excess of what relabelled rows show on average."""
        excess = max(0.0, float(observed - calm))
        return excess**0.5 if self.squared else excess


def statistics_for(geometry: Geometry, tables: Tables) -> list[Statistic]:
    """The views that these tables allow, group by group."""
    views = [*_location(geometry), *_density(geometry, tables), *_dispersion()]
    if "probabilities" in tables:
        views += _predictions(tables)
    if "covariates" in tables:
        views += [*_covariates(tables), _overall()]
    if "novelty" in tables:
        views += [*_novelty(), _strangeness()]
    return views


def _location(geometry: Geometry) -> list[Statistic]:
    weights = np.sqrt(geometry.whitening.variances)
    weights = weights / weights.mean()
    return [
        Statistic("mean_whitened", "location", lambda d, _: _sum_squares(d["axes"])),
        Statistic("mean_half", "location", lambda d, _: np.square(d["axes"]) @ weights),
        Statistic("leading_128", "location", lambda _, s: _sum_squares(s["axes"][:, :128])),
        Statistic("largest_axis", "location", lambda _, s: _largest(s["axes"]), squared=False),
        Statistic("largest_feature", "location", lambda _, s: _largest(s["features"]), False),
        Statistic("classifier", "location", _cross_fitted_classifier, squared=False),
    ]


def _density(geometry: Geometry, tables: Tables) -> list[Statistic]:
    shares = tables["clusters"].mean(axis=0)
    views = [
        Statistic("leading_8", "density", lambda _, s: _sum_squares(s["axes"][:, :8])),
        Statistic("cluster_tree", "density", lambda _, s: _largest(s["clusters"]), squared=False),
        Statistic("kernel", "density", lambda d, _: _sum_squares(d["kernel"])),
    ]
    for count in CLUSTER_CUTS:
        nodes = geometry.clusters.cut(count)
        weights = _inverse(shares[nodes])
        views.append(
            Statistic(f"clusters_{count}", "density", _chi_square("clusters", nodes, weights))
        )
    return views


def _dispersion() -> list[Statistic]:
    return [
        Statistic("largest_score", "dispersion", lambda _, s: _largest(s["scores"]), squared=False),
        Statistic("scores", "dispersion", lambda _, s: _sum_squares(s["scores"])),
        Statistic("squares", "dispersion", lambda _, s: _sum_squares(s["squares"])),
    ]


def _predictions(tables: Tables) -> list[Statistic]:
    classes = np.arange(tables["predicted"].shape[1])
    weights = _inverse(tables["predicted"].mean(axis=0))
    return [
        Statistic("probabilities", "predictions", _hotelling("probabilities", tables)),
        Statistic("predicted", "predictions", _chi_square("predicted", classes, weights)),
    ]


def _covariates(tables: Tables) -> list[Statistic]:
    return [
        Statistic("covariates", "covariates", lambda _, s: _sum_squares(s["covariates"])),
        Statistic("largest_covariate", "covariates", lambda _, s: _largest(s["covariates"]), False),
        Statistic("joint_covariates", "covariates", _hotelling("covariates", tables)),
    ]


def _overall() -> Statistic:
    """Another site moves features and covariates, neither of them far."""

    def statistic(d: Differences, s: Differences) -> FloatArray:
        return _sum_squares(d["axes"]) + _sum_squares(s["covariates"])

    return Statistic("features_and_covariates", "overall", statistic)


def _novelty() -> list[Statistic]:
    return [
        Statistic("novelty", "novelty", lambda _, s: _sum_squares(s["novelty"])),
        Statistic("largest_novelty", "novelty", lambda _, s: _largest(s["novelty"]), False),
    ]


def _strangeness() -> Statistic:
    """One-sided, unlike all others: a few rows that are stranger than nearly all of the pool."""
    return Statistic("strangest", "strangeness", lambda _, s: s["strangeness"].max(axis=1), False)


def _cross_fitted_classifier(d: Differences, _: Differences) -> FloatArray:
    """How far Fisher's discriminant, learned on half of the blocks, parts the other half, and the
    other way round: a classifier two-sample test, learned anew for every relabelling, as an exact
    one must be (Kim, Ramdas, Singh and Wasserman, 2021, Classification accuracy as a proxy for
    two-sample testing). Axes are white, so the discriminant is the difference of the means; the
    two halves' differences are twice the whole's."""
    one = d["axes_of_half"]
    other = 2 * d["axes"] - one
    agreement = np.einsum("pf,pf->p", one, other)
    lengths = np.sqrt(_sum_squares(one)), np.sqrt(_sum_squares(other))
    return np.asarray(sum(_ratio(agreement, length) for length in lengths) / 2)


def _hotelling(table: str, tables: Tables) -> Callable[[Differences, Differences], FloatArray]:
    """Squared Mahalanobis distance of the means."""
    precision = _precision(tables[table])

    def statistic(d: Differences, _: Differences) -> FloatArray:
        return np.asarray(np.einsum("pi,ij,pj->p", d[table], precision, d[table]))

    return statistic


def _chi_square(
    table: str, columns: NDArray[np.int64], weights: FloatArray
) -> Callable[[Differences, Differences], FloatArray]:
    def statistic(d: Differences, _: Differences) -> FloatArray:
        return np.asarray(np.square(d[table][:, columns]) @ weights)

    return statistic


def _sum_squares(differences: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("pf,pf->p", differences, differences))


def _largest(differences: FloatArray) -> FloatArray:
    return np.asarray(np.abs(differences).max(axis=1))


def _inverse(shares: FloatArray) -> FloatArray:
    return _ratio(np.ones_like(shares), shares)


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """0 where the denominator is."""
    zeros = np.zeros_like(numerator)
    return np.asarray(np.divide(numerator, denominator, out=zeros, where=denominator > 0))


def _precision(means: FloatArray) -> FloatArray:
    """Pseudo-inverse of the blocks' covariance: probabilities sum to one, columns repeat others."""
    covariance = np.atleast_2d(np.cov(means.T.astype(np.float64)))
    return np.linalg.pinv(covariance, rcond=1e-6, hermitian=True).astype(np.float32)
