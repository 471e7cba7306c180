"""How far a covariate moved."""

import pytest

from mycovigil.vision.image.covariates import BEYOND, effect


@pytest.mark.parametrize(
    ("spreads", "expected"),
    [
        ((2.0, 0.5), 1.5),
        ((0.0, 0.5), 6.0),
        ((None, 0.5), 6.0),
        ((0.0, 0.0), BEYOND),
        ((0.0, None), BEYOND),
    ],
)
def test_a_move_is_seen_also_from_what_never_varied(
    spreads: tuple[float | None, float | None], expected: float
) -> None:
    """All photos were 512 pixels wide, and now they are 1,024."""
    assert effect(1.0, 4.0, *spreads) == pytest.approx(expected)
    assert effect(4.0, 1.0, *spreads) == pytest.approx(-expected)
    assert effect(4.0, 4.0, *spreads) == 0.0
