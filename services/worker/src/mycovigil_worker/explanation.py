"""Why a night drifted and whether it hurts: cause, harm and gallery of one comparison."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

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


def explained(
    session: Session, comparison: Comparison, *, novelty: float | None, seed: int
) -> Explanation:
    """Explain a drift; only drifted windows are explained, there is nothing to explain in calm."""
    return Explanation(
        cause="unknown",
        evidence={},
        harm=harm.estimated(comparison, novelty, seed=seed),
        gallery=gathered(session, comparison, seed),
    )


def gathered(session: Session, comparison: Comparison, seed: int) -> list[dict[str, Any]]:
    return gallery.gathered(session, comparison, comparison.fitted, seed=seed)
