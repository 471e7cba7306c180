"""Runs in Weights & Biases: curves, figures, the confusion matrix, files.

Artefacts and sweeps need its server and are not used: the product has a registry of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mycovigil.models.safety import CLASSES
from mycovigil_training.tracking.run import Run


class WandbMissing(ValueError):
    """wandb is not installed here."""


class WandbTracker:
    """``offline``: into files below ``runs``, for ``wandb sync``; else to the server that
    WANDB_API_KEY and WANDB_BASE_URL name."""

    def __init__(self, runs: Path, project: str, *, offline: bool) -> None:
        self._runs, self._project, self._offline = runs, project, offline

    def keep(self, run: Run) -> str:
        """A W&B run; see :class:`mycovigil_training.tracking.run.Tracker`.

        Raises:
            WandbMissing: pip install 'mycovigil-training[wandb]'.
        """
        try:
            import wandb
        except ImportError as error:
            raise WandbMissing(
                "wandb is not installed: pip install wandb, or MYCOVIGIL_TRAINING_TRACKER=csv"
            ) from error
        self._runs.mkdir(parents=True, exist_ok=True)
        with wandb.init(
            project=self._project,
            name=run.name,
            dir=str(self._runs),
            mode="offline" if self._offline else "online",
            config=dict(run.config),
            settings=wandb.Settings(silent=True, console="off", disable_git=True),
        ) as live:
            for epoch, figures in enumerate(run.curves):
                live.log(dict(figures), step=epoch)
            live.summary.update(dict(_scalars(run.figures)))
            if confusion := run.figures.get("confusion"):
                names = [name.value for name in CLASSES]
                rows: list[Iterable[Any]] = [
                    [name, *row] for name, row in zip(names, confusion, strict=True)
                ]
                live.log({"confusion": wandb.Table(columns=["truth", *names], data=rows)})
            for name, path in run.files.items():
                kept = Path(live.dir, name)
                kept.write_bytes(path.read_bytes())
                live.save(str(kept), base_path=live.dir, policy="now")
            return str(live.dir if self._offline else live.url)


def _scalars(figures: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    """Numbers by dotted names; lists are left out."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _scalars(value, f"{before}{name}.")
        elif isinstance(value, int | float):
            yield f"{before}{name}", float(value)
