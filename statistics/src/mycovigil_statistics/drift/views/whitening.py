"""Principal axes of the reference, scaled to unit variance with a shrunken spectrum."""

from dataclasses import dataclass

import numpy as np

from mycovigil_statistics.sample import FloatArray

SPANS = ((0, 16), (16, 64), (64, 256), (256, None))


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """`w = (x - mean) @ basis / sqrt(variances)`, strongest axis first.

    `mean` (d,), `basis` (d, d) with an axis a column, `variances` (d,) shrunken towards their
    mean, because the small sample eigenvalues of a covariance are too small (Ledoit and Wolf,
    2004, A well-conditioned estimator for large-dimensional covariance matrices).
    """

    mean: FloatArray
    basis: FloatArray
    variances: FloatArray

    @property
    def dimension(self) -> int:
        return len(self.mean)

    @property
    def spans(self) -> list[slice]:
        """Blocks of axes of falling variance, as many as the dimension fills."""
        return [slice(low, high) for low, high in SPANS if low < self.dimension]

    def apply(self, features: FloatArray) -> FloatArray:
        """Whitened rows (n, d)."""
        return (features - self.mean) @ (self.basis / np.sqrt(self.variances))

    def halve(self, whitened: FloatArray) -> FloatArray:
        """Rows between raw and whitened: variance is the square root of the raw variance."""
        return whitened * self.variances**0.25

    def unwhiten(self, whitened: FloatArray) -> FloatArray:
        """Deviations from the mean in the feature's own coordinates (n, d)."""
        return (whitened * np.sqrt(self.variances)) @ self.basis.T


def fit_whitening(features: FloatArray) -> Whitening:
    """Learn the axes from (n, d) features."""
    n, d = features.shape
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features - mean.astype(np.float32)
    covariance = (centred.T @ centred).astype(np.float64) / max(n - 1, 1)
    variances, basis = np.linalg.eigh(covariance)
    variances, basis = np.clip(variances[::-1], 0, None), basis[:, ::-1]
    shrinkage = d / (d + 4 * n)
    shrunk = (1 - shrinkage) * variances + shrinkage * variances.mean()
    floor = 1e-10 * max(float(np.square(mean).sum()), 1e-10)
    return Whitening(
        mean.astype(np.float32),
        np.ascontiguousarray(basis, dtype=np.float32),
        np.maximum(shrunk, floor).astype(np.float32),
    )
