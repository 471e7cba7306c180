"""Applies the certificate's present status to an answer that was logged earlier."""

from dataclasses import asdict, replace

from mycovigil.models.advice import Reason
from mycovigil.models.safety import Advice, CertificateStatus, worse
from mycovigil_predictor.inference.advisor import under_certificate
from mycovigil_predictor.log.row import Row


def as_of_today(row: Row, today: CertificateStatus) -> Row:
    """The logged answer as it is given now: under the worse of its own and today's status.

    The log keeps what was answered.
    """
    status = worse(CertificateStatus(row.certificate), today)
    if status == row.certificate:
        return row
    logged = tuple(Reason(**reason) for reason in row.reasons)
    advice, reasons = under_certificate(status, Advice(row.verdict), logged)
    return replace(
        row,
        certificate=status.value,
        verdict=advice.value,
        reasons=[asdict(reason) for reason in reasons],
    )
