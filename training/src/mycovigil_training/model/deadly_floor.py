"""The floor below which a deadly photo would be missed, and the certificate of what it keeps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.bundle import Certificate
from mycovigil.models.safety import CertificateStatus
from mycovigil_statistics.safety.certified_floor import (
    CONFIDENCE,
    CertifiedFloor,
    TooFewSpecimens,
    certified_floor,
    smallest_bound,
    specimens_needed,
    supported_target,
)

RISK = "deadly specimen with a photo answered neither avoid nor cannot_tell"


@dataclass(frozen=True, slots=True)
class DeadlyRows:
    """Deadly calibration photos: ``scores`` (n,) calibrated probability of deadly, ``specimens``
    (n,), and ``new_days`` (n,), which were sent since the drift that the model answers; None if
    it answers none."""

    scores: NDArray[np.float64]
    specimens: NDArray[np.str_]
    new_days: NDArray[np.bool_] | None = None

    def of_new_days(self) -> "DeadlyRows":
        return DeadlyRows(self.scores[self.new_days], self.specimens[self.new_days])

    @property
    def units(self) -> int:
        return len(np.unique(self.specimens))


def deadly_floor(rows: DeadlyRows, targets: tuple[float, ...]) -> tuple[float, Certificate]:
    """The floor and its certificate.

    Where the model answers a drift the claim is made for the days since, from their specimens
    alone; until they carry a target the certificate is ``suspect``.
    """
    try:
        floor = certified_floor(rows.scores, rows.specimens, targets)
    except TooFewSpecimens as refusal:
        return 0.0, _refused(refusal)
    if rows.new_days is None:
        return floor.value, _certificate(floor, _promise(floor, targets))
    return _of_new_days(rows.of_new_days(), floor, targets)


def _of_new_days(
    new: DeadlyRows, whole: CertifiedFloor, targets: tuple[float, ...]
) -> tuple[float, Certificate]:
    try:
        floor = certified_floor(new.scores, new.specimens, targets)
    except TooFewSpecimens:
        doubt = (
            f"the model answers a drift, and its calibration holds {new.units} deadly specimens of "
            f"the days since that were labelled at random; {specimens_needed(max(targets))} are "
            "needed"
        )
        return whole.value, _certificate(whole, _promise(whole, targets), doubt)
    statement = f"Of the days since the drift that this model answers: {_promise(floor, targets)}"
    return min(floor.value, whole.value), _certificate(floor, statement)


def _refused(refusal: TooFewSpecimens) -> Certificate:
    return Certificate(
        state=CertificateStatus.NOT_CERTIFIABLE,
        risk=RISK,
        target=refusal.target,
        bound=None,
        calibration_photos=refusal.units,
        smallest_certifiable=refusal.smallest,
        statement=(
            f"No bound on missed deadly mushrooms is given: {refusal}. "
            "No photo is answered expert_check: deadly can never be ruled out."
        ),
    )


def _certificate(floor: CertifiedFloor, statement: str, doubt: str | None = None) -> Certificate:
    return Certificate(
        state=CertificateStatus.SUSPECT if doubt else CertificateStatus.VALID,
        risk=RISK,
        target=floor.target,
        bound=floor.target,
        confidence=CONFIDENCE,
        calibration_photos=floor.units,
        calibration_missed=floor.lost,
        smallest_certifiable=smallest_bound(floor.units),
        statement=statement,
        doubt=doubt,
    )


def _promise(floor: CertifiedFloor, targets: tuple[float, ...]) -> str:
    return (
        f"With {CONFIDENCE:.0%} confidence at most {floor.target:.0%} of deadly specimens have a "
        f"photo that is answered neither avoid nor cannot_tell, shown on {floor.units} specimens "
        f"({floor.rows} photos) set aside for this, of which {floor.lost} lie below the floor. It "
        "holds for specimens and photos drawn like those, not for other species, places, seasons "
        f"or cameras; drift suspends it.{_next(floor.units, targets)}"
    )


def _next(units: int, targets: tuple[float, ...]) -> str:
    """What the next better target needs; empty if there is none."""
    reached = supported_target(units, targets)
    better = [target for target in targets if target < reached]
    if not better:
        return ""
    target = max(better)
    return f" A bound of {target:.0%} needs {specimens_needed(target)} deadly specimens."
