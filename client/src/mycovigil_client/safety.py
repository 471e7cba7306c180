"""The vocabulary of an answer. The client has its own copy, so that it needs no other package."""

from enum import StrEnum


class SafetyClass(StrEnum):
    """What a mushroom does to the person who eats it."""

    EDIBLE = "edible"
    CONDITIONALLY_EDIBLE = "conditionally_edible"
    POISONOUS = "poisonous"
    DEADLY = "deadly"


class Advice(StrEnum):
    """What a person is told. There is no "safe": no photo can carry that promise."""

    AVOID = "avoid"
    EXPERT_CHECK = "expert_check"
    CANNOT_TELL = "cannot_tell"


class CertificateStatus(StrEnum):
    """Whether the model's risk bound may be relied on today.

    ``valid``: it holds; ``suspect``: a drift is open; ``void``: labels refute it;
    ``not_certifiable``: the calibration photos are too few for any bound.
    """

    VALID = "valid"
    SUSPECT = "suspect"
    VOID = "void"
    NOT_CERTIFIABLE = "not_certifiable"
