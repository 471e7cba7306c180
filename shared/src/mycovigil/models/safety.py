"""The vocabulary of safety: four classes, three kinds of advice, four certificate statuses."""

from enum import StrEnum


class SafetyClass(StrEnum):
    """What a mushroom does to the person who eats it; the order is the column order everywhere."""

    EDIBLE = "edible"
    CONDITIONALLY_EDIBLE = "conditionally_edible"
    POISONOUS = "poisonous"
    DEADLY = "deadly"


# Index ``i`` of every probability vector belongs to ``CLASSES[i]``.
CLASSES: tuple[SafetyClass, ...] = tuple(SafetyClass)


class Advice(StrEnum):
    """What a person is told about a mushroom. There is no "safe": no photo can show that."""

    AVOID = "avoid"
    EXPERT_CHECK = "expert_check"
    CANNOT_TELL = "cannot_tell"


class CertificateStatus(StrEnum):
    """Whether the model's risk bound may be relied on today.

    ``valid``: bounded on calibration photos and no drift seen since; ``suspect``: a drift is
    open, or something else speaks against the bound; ``void``: labels refuted it;
    ``not_certifiable``: the calibration photos are too few to support any bound.
    """

    VALID = "valid"
    SUSPECT = "suspect"
    VOID = "void"
    NOT_CERTIFIABLE = "not_certifiable"


# From best to worst: a bound in doubt is better than none.
BEST_FIRST = (
    CertificateStatus.VALID,
    CertificateStatus.SUSPECT,
    CertificateStatus.NOT_CERTIFIABLE,
    CertificateStatus.VOID,
)


def worse(one: CertificateStatus, other: CertificateStatus) -> CertificateStatus:
    """The worse of two statuses."""
    return max(one, other, key=BEST_FIRST.index)


def doubted(state: str, doubt: str | None) -> CertificateStatus:
    """The status to report for a row's ``state``: at best suspect where there is a ``doubt``."""
    known = CertificateStatus(state)
    return worse(known, CertificateStatus.SUSPECT) if doubt else known
