"""What a certificate is worth today, and what an older answer is worth with it."""

from dataclasses import asdict, replace

from mycovigil.models.advice import Reason
from mycovigil.models.safety import Advice, CertificateStatus, worse
from mycovigil_predictor.inference.advisor import under
from mycovigil_predictor.log.row import Row


def as_of_today(row: Row, today: CertificateStatus) -> Row:
    """A logged answer as it may be told now: what was found out since takes promises back, and
    never gives one. The log keeps what was answered."""
    state = worse(CertificateStatus(row.certificate), today)
    if state == row.certificate:
        return row
    reasons = tuple(Reason(**reason) for reason in row.reasons)
    verdict, told = under(state, Advice(row.verdict), reasons)
    return replace(
        row, certificate=state.value, verdict=verdict.value, reasons=[asdict(one) for one in told]
    )
