"""The gate's evidence on 200 specimens a class, as training writes it."""

from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np

from mycovigil.models.safety import Advice
from mycovigil.settings import TrainingSettings
from mycovigil_training.model.scoring import Answers
from mycovigil_training.retrain.criteria import Limits, PairedAnswers
from mycovigil_training.retrain.gate import Role, judge


def gate_evidence(against: str, *, version: str, missed: int = 0, specimens: int = 200) -> Any:
    """Of a candidate that misses ``missed`` deadly ones of ``specimens`` a class, beside a
    production model ``version`` without a miss."""
    found = deepcopy(_judged(version, missed, specimens))
    return {"against": against, "first_certified": against} | found


@cache
def _judged(version: str, missed: int, specimens: int) -> dict[str, Any]:
    """Half a second of bounds."""
    labels = np.repeat(np.arange(4), specimens)
    good = np.where(labels >= 2, Advice.AVOID.value, Advice.EXPERT_CHECK.value)
    given = good.copy()
    given[len(labels) - missed :] = Advice.EXPERT_CHECK.value
    chances, near = 0.9 * np.eye(4)[labels] + 0.025, np.zeros(len(labels))
    paired = PairedAnswers(
        labels=labels,
        groups=np.arange(len(labels)).astype(str),
        drifted=labels == 3,
        candidate=Answers(chances, near, given),
        theirs=Answers(chances, near, good),
        opponent=version,
    )
    return dict(judge({Role.PRODUCTION: paired}, Limits.of(TrainingSettings(), 0.0)))
