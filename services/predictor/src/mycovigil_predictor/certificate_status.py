"""Applies what holds today to an answer that was logged earlier: the certificate's status, and an
operator's stop of all answers."""

from dataclasses import asdict, replace

from mycovigil.models import answer_stop
from mycovigil.models.advice import Reason
from mycovigil.models.safety import Advice, CertificateStatus, worse
from mycovigil_predictor.inference.advisor import under_certificate
from mycovigil_predictor.log.row import Row


def as_of_today(row: Row, today: CertificateStatus, stop: str | None = None) -> Row:
    """The logged answer as it is given now: under the worse of its own and today's status, and
    ``cannot_tell`` while all answers are stopped.

    The log keeps what was answered.
    """
    return _under_stop(_under_status(row, today), stop)


def _under_status(row: Row, today: CertificateStatus) -> Row:
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


def _under_stop(row: Row, stop: str | None) -> Row:
    if stop is None:
        return row
    reason = asdict(answer_stop.reason_of(stop))
    others = [one for one in row.reasons if one["code"] != reason["code"]]
    return replace(row, verdict=Advice.CANNOT_TELL.value, reasons=[reason, *others])
