"""Harm as the pages show it: estimates, and what labels say in their place."""

import pytest
from factories.evidence import REALISED

from mycovigil.db.report import DriftReport
from mycovigil_drift.dashboard.view_models import harm

ESTIMATED = {
    "safety": "affected",
    "deadly": {"reference": 0.10, "night": 0.20, "low": 0.15, "high": 0.30},
    "novel": None,
}


def test_nothing_estimated_is_nothing_shown() -> None:
    assert harm.of_report(DriftReport(evidence={}, realised=None)) is None


def test_estimates_carry_their_intervals() -> None:
    found = harm.of_report(DriftReport(evidence={"harm": ESTIMATED}, realised=None))
    assert found is not None
    assert (found.headline, found.realised, found.coverage) == (
        "Yes, safety is affected",
        False,
        "90%",
    )
    (deadly,) = found.figures
    assert (deadly.value, deadly.low, deadly.high, deadly.reference) == (0.2, 0.15, 0.3, 0.1)
    assert deadly.left < deadly.x < deadly.left + deadly.width <= 100
    assert deadly.mark == pytest.approx(deadly.x / 2, abs=0.01)
    assert harm.in_words(found) == ("deadly photos among all 10% → 20% (90% interval 15% to 30%)")


def test_the_one_client_that_drifted_is_named_with_why_the_certificate_stays() -> None:
    cats = {"client": "cats", "refused": 0.9, "others_high": 0.02, "p_days": 0.4}
    found = harm.of_report(DriftReport(evidence={"harm": ESTIMATED, "one_client": cats}))
    assert found is not None
    assert "90% of the photos of client cats are refused, and at most 2.0%" in found.note
    assert found.note.startswith(harm.UNLABELLED)


def test_labels_replace_the_estimate() -> None:
    found = harm.of_report(DriftReport(evidence={"harm": ESTIMATED}, realised=REALISED))
    assert found is not None
    assert found.headline == "3 of 31 deadly photos were missed"
    assert found.realised
    assert found.note == (
        "Measured on 96 of 365 photos with a label. E-value of all 31 labelled deadly specimens of "
        "this model so far: 1.4; at 20 the certified bound is rejected."
    )
    assert [figure.name for figure in found.figures][:2] == [
        "deadly photos missed",
        "recall, mean of the classes",
    ]
    assert len(found.figures) == 6


def test_how_labelled_photos_were_chosen_is_said() -> None:
    realised = REALISED | {"chosen_at_random": True, "not_counted": 7}
    found = harm.of_report(DriftReport(evidence={}, realised=realised))
    assert found is not None
    words = "with a label, chosen at random (7 others, not chosen so, do not count)."
    assert words in found.note
    assert "of this model so far, of those chosen at random: 1.4" in found.note


@pytest.mark.parametrize(
    ("e_value", "words"), [(19.97, ": 19.9; at 20"), (20.0, ": 20; at 20"), (0.096, ": 0.096; at")]
)
def test_an_e_value_below_the_limit_does_not_read_as_if_it_had_reached_it(
    e_value: float, words: str
) -> None:
    proof = {"specimens": 138, "missed": 9.0, "e_value": e_value, "needed": 20.0}
    found = harm.of_report(DriftReport(evidence={}, realised=REALISED | {"proof": proof}))
    assert found is not None
    assert words in found.note


@pytest.mark.parametrize("evidence", [{}, {"harm": ESTIMATED}])
@pytest.mark.parametrize(
    ("realised", "photos"),
    [
        ({"chosen_at_random": True, "labelled": 0, "not_counted": 7}, "7 photos have"),
        ({"chosen_at_random": True, "labelled": 0, "not_counted": 1}, "1 photo has"),
        # As the release before counted them, where nothing was chosen at random.
        (REALISED | {"chosen_at_random": False, "not_counted": 7}, "103 photos have"),
    ],
)
def test_labels_that_callers_chose_are_a_count_and_no_figure(
    realised: dict[str, object], photos: str, evidence: dict[str, object]
) -> None:
    found = harm.of_report(DriftReport(evidence=evidence, realised=realised))
    assert found is not None
    assert not found.realised
    assert len(found.figures) == len(evidence)
    assert found.headline == ("Yes, safety is affected" if evidence else "Not known")
    assert f"{photos} a label and" in found.note
    assert found.note.endswith("models learn from such labels, and no figure counts them.")


@pytest.mark.parametrize("realised", [{"labelled": 3, "rows": 9}, {"deadly": {"count": 0}}])
def test_few_labels_claim_little(realised: dict[str, object]) -> None:
    found = harm.of_report(DriftReport(evidence={}, realised=realised))
    assert found is not None
    assert found.headline == "No deadly photo among the labelled ones"
    assert found.figures == []
