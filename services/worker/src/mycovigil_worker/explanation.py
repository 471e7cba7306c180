"""Why a night drifted and whether it hurts: cause, harm and gallery of one comparison."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from mycovigil_statistics.cause import explain
from mycovigil_worker import gallery, harm
from mycovigil_worker.harm import Harm, Safety
from mycovigil_worker.outcome import Comparison


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a drifted report carries beside its verdict."""

    cause: str
    evidence: dict[str, Any]
    harm: Harm
    gallery: list[dict[str, Any]]

    @property
    def harmful(self) -> bool:
        return self.harm.safety is Safety.AFFECTED


def explained(session: Session, comparison: Comparison, *, seed: int) -> Explanation:
    """Explain a drift; only drifted windows are explained, there is nothing to explain in calm."""
    night = comparison.night
    cause = explain(
        comparison.fitted,
        comparison.judgement,
        night.features,
        night.probabilities,
        night.covariates,
        groups=night.dependent,
        seed=seed,
    )
    return Explanation(
        cause=cause.kind,
        evidence=asdict(cause),
        harm=harm.estimated(comparison, comparison.scale.threshold, seed=seed),
        gallery=gallery.gathered(session, comparison, comparison.fitted, seed=seed),
    )
