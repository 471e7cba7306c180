"""Four estimates of how the risk rose, stacked with weights that depend on the night.

The explanations' average is corrected, near the decision, by what it and the others say there:
feature-weighted linear stacking (Sill, Takács, Mackey and Lin, 2009, arXiv:0911.0460). Each is
wrong in its own way: the explanations' average where none of them holds, plain MLLS where more than
shares moved, the deadly share times the labelled miss rate where features are no longer what they
were. And the labelled risk, from which a rise is counted, is a count of few: what a calibrated head
expected of the same photos says whether chance made it high. The weights were learned on simulated
nights and on nights of rendered photos (`benchmarks/drift_harm_train.py`).
"""

from dataclasses import dataclass

import numpy as np

from mycovigil_statistics.safety.harm import weights
from mycovigil_statistics.safety.harm.explanations import USUAL_ROWS, Explanations
from mycovigil_statistics.safety.harm.mixture import Known
from mycovigil_statistics.safety.harm.rows import IntArray, Rows
from mycovigil_statistics.safety.label_shift import Array, reweighted

# Rises within about a unit of the centre are told apart: a correction is bounded far from it.
CENTRE, UNIT = 0.01, 0.02
USUAL_RISK = 0.03
# Fewest and most photos of the nights that the weights were learned on.
LEARNED_ROWS = (200, 3_000)
# Standard errors that a calibrated head's expectation is from the labelled risk at most.
CHANCE = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """`estimates` (4,) of the rise of the risk, and the `circumstances` (3,) of the night."""

    estimates: Array
    circumstances: Array

    @classmethod
    def of(
        cls, night: Rows, known: Rows, labels: IntArray, reference: Known, explained: Explanations
    ) -> "Stack":
        deadly = explained.deadly
        before = labelled_risk(known, labels, deadly)
        shares, posterior = reweighted(reference.calibrated(night.probabilities), reference.shares)
        missed = float(known.called_edible[labels == deadly].mean())
        risks = [
            expected_risk(night, explained.posterior, deadly),
            expected_risk(night, posterior, deadly),
            float(shares[deadly]) * missed,
            _expected_of_known(known, before, deadly),
        ]
        circumstances = [
            np.log(np.clip(len(night), *LEARNED_ROWS) / USUAL_ROWS),
            explained.strain,
            np.tanh(before / USUAL_RISK),
        ]
        return cls(np.array(risks) - before, np.array(circumstances))

    @property
    def design(self) -> Array:
        """(20,) products of estimates and circumstances, both with a constant before them."""
        squashed = np.append(1.0, np.tanh((self.estimates - CENTRE) / UNIT))
        return np.outer(squashed, np.append(1.0, self.circumstances)).ravel()

    @property
    def rise(self) -> float:
        """Of the share of photos that are deadly and called edible, since the labelled ones."""
        correction = self.design @ np.ravel(weights.STACK)
        return float(self.estimates[0] + UNIT * correction)


def labelled_risk(rows: Rows, labels: IntArray, deadly: int) -> float:
    """Share of the labelled photos that are deadly and called edible."""
    return float((rows.called_edible & (labels == deadly)).mean())


def expected_risk(rows: Rows, posterior: Array, deadly: int) -> float:
    """The same, expected of photos without labels by their (n, C) class probabilities."""
    return float((posterior[:, deadly] * rows.called_edible).mean())


def _expected_of_known(known: Rows, before: float, deadly: int) -> float:
    """What the head expected of the labelled photos, or `before` itself where chance does not
    explain the difference: what a head expects that is not calibrated says nothing of a count."""
    expected = expected_risk(known, known.probabilities, deadly)
    error = float(np.sqrt(expected * (1 - expected) / len(known)))
    return expected if abs(expected - before) <= CHANCE * error else before
