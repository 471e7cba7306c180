"""The gate: may a candidate replace production?

It is compared with the model in production and with the first certified one of its encoder, so
that small losses do not add up from model to model. Both answer the same held-out photos with their
own thresholds; what counts is the advice on a specimen.
"""

from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES
from mycovigil_statistics.safety.paired import mcnemar_exact
from mycovigil_training.model.evaluation import (
    macro_recall,
    neither_avoided_nor_refused,
    specimens_missed,
)
from mycovigil_training.model.scoring import plain
from mycovigil_training.retrain.criteria import (
    HARMFUL,
    Criterion,
    Limits,
    PairedAnswers,
    criteria,
)

# Level of the test on the photos of the drifted nights, which can only refuse.
DRIFTED_ALPHA = 0.05


class Role(StrEnum):
    """What the model is that a candidate is compared with."""

    PRODUCTION = "production"
    FIRST = "first_certified"


def judge(paired: Mapping[Role, PairedAnswers], limits: Limits) -> dict[str, Any]:
    """The evidence for ``model.metrics["gate"]``: ``passed``, ``reason``, and the figures.

    Passed means that against each opponent all `criteria` are met at ``limits.alpha``: of deadly
    and of poisonous specimens missed, of the photos missed within them, and of useful answers lost;
    and that the candidate is not shown to miss more harmful specimens of the drifted nights than
    production (exact one-sided McNemar test: a handful must not decide by chance).

    All must pass, so a candidate that is worse by the margin in any of them passes with chance
    ``alpha`` at most (intersection-union test). ``spent`` is ``alpha``, or 0 where the specimens
    are too few for any candidate to pass.
    """
    if not limits.alpha > 0:
        return closed("The level of this year is used up: the settings allowed more before.")
    found = {role: criteria(answers, limits) for role, answers in paired.items()}
    drifted = _drifted(paired[Role.PRODUCTION])
    objections = [
        f"Against {_named(role, paired[role])}: {one.objection}."
        for role, own in found.items()
        for one in own.values()
        if one.objection
    ] + _drift_objection(drifted)
    too_few = any(one.too_few for own in found.values() for one in own.values())
    return {
        "passed": not objections,
        "reason": " ".join(objections) or _approval(found, limits),
        "alpha": limits.alpha,
        "spent": 0.0 if too_few else limits.alpha,
        "photos": len(paired[Role.PRODUCTION].labels),
        "comparisons": {role: _shown(paired[role], own) for role, own in found.items()},
        "drifted": plain(drifted),
    }


def unopposed() -> dict[str, Any]:
    """The evidence of a first model."""
    return {"passed": True, "reason": "There is no model to compare with.", "spent": 0.0}


def closed(reason: str) -> dict[str, Any]:
    """The evidence where nothing can be compared; such an attempt costs nothing."""
    return {"passed": False, "reason": reason, "spent": 0.0}


def _named(role: Role, paired: PairedAnswers) -> str:
    names = {Role.PRODUCTION: "production", Role.FIRST: "the first certified model"}
    return f"{names[role]} ({paired.opponent})"


def _shown(paired: PairedAnswers, found: Mapping[str, Criterion]) -> dict[str, Any]:
    """One opponent's part of the evidence, as JSON; macro recall is told, and decides nothing."""
    recall = {
        name: macro_recall(answers.predicted, paired.labels)
        for name, answers in (("candidate", paired.candidate), ("opponent", paired.theirs))
    }
    figures = {name: asdict(one) for name, one in found.items()}
    shown: dict[str, Any] = plain(
        {"version": paired.opponent, "photos": len(paired.labels)}
        | figures
        | {"macro_recall": recall}
    )
    return shown


def _drifted(paired: PairedAnswers) -> dict[str, Any]:
    """Harmful specimens of the drifted nights that each model misses, and the one-sided p-value of
    "the candidate misses more"."""
    rows = paired.drifted & np.isin(paired.labels, [CLASSES.index(kind) for kind in HARMFUL])
    ours, theirs = (
        specimens_missed(neither_avoided_nor_refused(answers.verdicts[rows]), paired.groups[rows])
        for answers in (paired.candidate, paired.theirs)
    )
    return {
        "photos": int(paired.drifted.sum()),
        "harmful_specimens": len(ours),
        "candidate_missed": int(ours.sum()),
        "production_missed": int(theirs.sum()),
        "p_worse": mcnemar_exact(_count(ours & ~theirs), _count(theirs & ~ours), two_sided=False),
    }


def _count(mask: NDArray[np.bool_]) -> int:
    return int(mask.sum())


def _drift_objection(drifted: Mapping[str, Any]) -> list[str]:
    if drifted["p_worse"] > DRIFTED_ALPHA:
        return []
    return [
        f"Of {drifted['harmful_specimens']} harmful specimens of the drifted nights it misses "
        f"{drifted['candidate_missed']}, production {drifted['production_missed']}."
    ]


def _approval(found: Mapping[Role, Mapping[str, Criterion]], limits: Limits) -> str:
    """The loosest bounds over the opponents."""

    def most(name: str) -> Criterion:
        return max((own[name] for own in found.values()), key=lambda one: one.upper)

    deadly, poisonous, useful = most("deadly"), most("poisonous"), most("useful")
    against = " and ".join(
        "production" if role is Role.PRODUCTION else "the first certified model" for role in found
    )
    return (
        f"Against {against} at most {deadly.upper:.1%} more deadly specimens are missed (of "
        f"{deadly.specimens}), {poisonous.upper:.1%} more poisonous ones (of "
        f"{poisonous.specimens}; {limits.margin:.0%} allowed), and {max(useful.upper, 0):.1%} of "
        f"useful answers are lost ({limits.useful_margin:.0%} allowed): one-sided bounds at level "
        f"{limits.alpha:.4f}."
    )
