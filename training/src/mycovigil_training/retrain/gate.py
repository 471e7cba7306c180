"""The gate: may a candidate replace production? Decided on the same photos, with both models'
own thresholds, and refused where the photos are too few to tell."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics.safety.paired import (
    NonInferiority,
    PairedComparison,
    mcnemar_exact,
    non_inferiority,
    within_units,
)
from mycovigil_training.configuration import GateConfig
from mycovigil_training.model.evaluation import DEADLY, deadly_missed, macro_recall
from mycovigil_training.model.scoring import Answers, plain


@dataclass(frozen=True, slots=True)
class PairedAnswers:
    """N photos that neither model was trained on: ``labels`` (N,), specimens ``groups`` (N,),
    ``drifted`` (N,) marks the labelled photos of the drifted nights."""

    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    drifted: NDArray[np.bool_]
    candidate: Answers
    production: Answers


def judge(
    paired: PairedAnswers, config: GateConfig, *, against: str, margin: float
) -> dict[str, Any]:
    """The evidence for ``model.metrics["gate"]``: ``passed``, ``reason``, and the figures.

    Passed means all of: the one-sided upper bounds of the deadly-miss difference, by specimens and
    by the photos within them, are below ``margin``; macro recall fell by no more than the
    tolerance; on the labelled photos of the drifted nights it misses no more deadly ones and is
    not shown to be worse (exact one-sided McNemar test: a handful of photos must not decide by
    chance).
    """
    misses = _misses(paired, config, margin)
    within = _within(paired, config)
    recall = _recalls(paired, np.ones(len(paired.labels), dtype=bool))
    drifted = _recalls(paired, paired.drifted) | {"p_worse": _p_worse(paired)}
    objections = [
        *_miss_objection(misses),
        *_within_objection(within, margin),
        *_recall_objection(recall, config.recall_tolerance),
        *_drift_objection(paired, drifted, config.alpha),
    ]
    return {
        "against": against,
        "passed": not objections,
        "reason": " ".join(objections) or _approval(misses),
        "photos": len(paired.labels),
        "misses": plain(asdict(misses)),
        "misses_within": plain(within),
        "macro_recall": plain(recall),
        "drifted": plain(drifted | {"photos": int(paired.drifted.sum())}),
    }


def unopposed() -> dict[str, Any]:
    """The evidence of a first model: there is nothing to compare with."""
    return {"against": None, "passed": True, "reason": "There is no model to compare with."}


def _misses(paired: PairedAnswers, config: GateConfig, margin: float) -> NonInferiority:
    deadly = paired.labels == DEADLY
    return non_inferiority(
        deadly_missed(paired.candidate.verdicts, paired.labels),
        deadly_missed(paired.production.verdicts, paired.labels),
        margin=margin,
        alpha=config.alpha,
        groups=paired.groups[deadly],
    )


def _within(paired: PairedAnswers, config: GateConfig) -> dict[str, float]:
    difference, upper = within_units(
        deadly_missed(paired.candidate.verdicts, paired.labels),
        deadly_missed(paired.production.verdicts, paired.labels),
        paired.groups[paired.labels == DEADLY],
        alpha=config.alpha,
    )
    return {"difference": difference, "upper": upper}


def _recalls(paired: PairedAnswers, rows: NDArray[np.bool_]) -> dict[str, float]:
    labels = paired.labels[rows]
    return {
        "candidate": macro_recall(paired.candidate.predicted[rows], labels),
        "production": macro_recall(paired.production.predicted[rows], labels),
    }


def _miss_objection(misses: NonInferiority) -> list[str]:
    if misses.outcome is PairedComparison.TOO_FEW:
        return [
            f"Too few deadly photos to tell: {misses.units} specimens, and {misses.needed} are "
            f"needed to show that at most {misses.margin:.0%} more are missed."
        ]
    if misses.outcome is PairedComparison.NOT_SHOWN:
        return [
            f"Not shown that deadly misses do not grow: up to {misses.upper:.1%} more may be "
            f"missed, {misses.margin:.0%} is allowed ({misses.candidate_only} specimens missed by "
            f"the candidate only, {misses.production_only} by production only, of {misses.units})."
        ]
    return []


def _within_objection(within: dict[str, float], margin: float) -> list[str]:
    if within["upper"] < margin or np.isnan(within["difference"]):  # too few: told by specimens
        return []
    return [
        f"Of a deadly specimen's photos {within['difference']:.1%} more are missed, up to "
        f"{within['upper']:.1%} ({margin:.0%} is allowed)."
    ]


def _recall_objection(recall: dict[str, float], tolerance: float) -> list[str]:
    fall = recall["production"] - recall["candidate"]
    if not fall > tolerance:
        return []
    return [
        f"Macro recall fell from {recall['production']:.3f} to {recall['candidate']:.3f}, "
        f"by more than {tolerance:.3f}."
    ]


def _p_worse(paired: PairedAnswers) -> float:
    """One-sided p-value of "the candidate errs more" on the drifted photos."""
    labels = paired.labels[paired.drifted]
    wrong = [
        answers.predicted[paired.drifted] != labels
        for answers in (paired.candidate, paired.production)
    ]
    only_candidate, only_production = (wrong[0] & ~wrong[1]).sum(), (wrong[1] & ~wrong[0]).sum()
    return mcnemar_exact(int(only_candidate), int(only_production), two_sided=False)


def _drift_objection(paired: PairedAnswers, recall: dict[str, float], alpha: float) -> list[str]:
    labels = paired.labels[paired.drifted]
    ours, theirs = (
        int(deadly_missed(answers.verdicts[paired.drifted], labels).sum())
        for answers in (paired.candidate, paired.production)
    )
    found = []
    if ours > theirs:
        found.append(f"On the drifted nights it misses {ours} deadly photos, production {theirs}.")
    if recall["p_worse"] <= alpha:
        found.append(
            f"On the drifted nights its macro recall is lower than production's "
            f"({recall['candidate']:.3f}, {recall['production']:.3f})."
        )
    return found


def _approval(misses: NonInferiority) -> str:
    return (
        f"At most {misses.upper:.1%} more deadly specimens are missed than by production "
        f"(one-sided {1 - misses.alpha:.0%} bound on {misses.units} specimens, "
        f"{misses.margin:.0%} allowed), and recall held."
    )
