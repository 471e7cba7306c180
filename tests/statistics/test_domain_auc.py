"""The area under the curve of a domain classifier: an effect with a standard error."""

import numpy as np
import pytest

from mycovigil_statistics import fit
from mycovigil_statistics.drift.domain_auc import area_error, domain_auc
from mycovigil_statistics.errors import DimensionMismatch


def test_it_is_a_half_without_a_difference_and_grows_with_one() -> None:
    rng = np.random.default_rng(1)
    fitted = fit(rng.standard_normal((800, 16)))
    night = rng.standard_normal((400, 16))
    assert domain_auc(fitted, night) == pytest.approx(0.5, abs=0.06)
    far = night + np.eye(16)[0] * 2
    assert domain_auc(fitted, far) == pytest.approx(0.92, abs=0.03)  # Phi(2 / sqrt(2))
    assert domain_auc(fitted, far, groups=np.repeat(np.arange(100), 4)) > 0.85
    with pytest.raises(DimensionMismatch):
        domain_auc(fitted, night[:, :8])


def test_its_error_is_that_of_simulated_areas() -> None:
    rng = np.random.default_rng(2)
    areas = [
        float((rng.normal(0.95, 1, (50, 1)) > rng.standard_normal(200)).mean()) for _ in range(400)
    ]
    assert area_error(0.75, 50, 200) == pytest.approx(np.std(areas), rel=0.15)
