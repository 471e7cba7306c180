"""What became of a night, for the table and for the JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.table import Table

SIGNS = {"calm": "[green]calm[/]", "learning": "[blue]learning[/]", "drift": "[bold red]DRIFT[/]"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of the table.

    ``certificate``: status of the night's model when its labels had been read; ``bound``: what it
    promises; ``deadly_labelled`` deadly specimens have a label that counts, of which
    ``deadly_labelled_missed`` were answered neither ``avoid`` nor ``cannot_tell``.
    """

    night: int
    title: str
    photos: int
    labelled: int
    deadly: int
    deadly_missed: int
    verdict: str
    p_value: float | None
    level: float | None
    cause: str | None
    alert: str | None
    retrain: str | None
    model: str
    report_id: str
    outside_window: int
    certificate: str
    bound: float | None
    deadly_labelled: int
    deadly_labelled_missed: int

    def sentence(self) -> str:
        """One log line, where no table can be drawn afresh."""
        parts = [f"night {self.night} ({self.title}): {self.verdict}"]
        if self.p_value is not None:
            parts.append(f"p = {self.p_value:.2g}")
        parts += [part for part in (self.cause, self.alert and "alert sent", self.retrain) if part]
        return ", ".join(parts)

    def document(self) -> dict[str, Any]:
        return asdict(self)


COLUMNS = (
    "",
    "the world",
    "photos",
    "deadly\nmissed",
    "certificate",
    "verdict",
    "p",
    "cause",
    "after it",
    "model",
)


def table(outcomes: list[Outcome]) -> Table:
    """All nights so far."""
    drawn = Table(*COLUMNS, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for one in outcomes:
        drawn.add_row(*_cells(one))
    return drawn


def _cells(one: Outcome) -> tuple[str, ...]:
    return (
        str(one.night),
        one.title,
        str(one.photos),
        f"{one.deadly_missed}/{one.deadly}",
        one.certificate.replace("_", " "),
        SIGNS.get(one.verdict, one.verdict),
        "" if one.p_value is None else f"{one.p_value:.2g}",
        (one.cause or "").replace("_", " ").removesuffix(" or light"),
        f"alert, {one.retrain}" if one.alert else "",
        one.model.rsplit("-", 1)[-1],
    )
