"""What a certificate is worth today, and what an older answer is worth with it."""

from mycovigil.safety import CertificateState

WORTH = (
    CertificateState.VALID,
    CertificateState.SUSPECT,
    CertificateState.NOT_CERTIFIABLE,
    CertificateState.VOID,
)
"""From the best. Too few photos for any bound is less than a bound in doubt."""


def worse(one: CertificateState, other: CertificateState) -> CertificateState:
    """The state that promises less."""
    return max(one, other, key=WORTH.index)
