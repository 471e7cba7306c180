"""Runs as folders: Lightning's metrics.csv and hparams.yaml, figures.json, files."""

import json
import shutil
from pathlib import Path

from mycovigil_training import torchvision_shim
from mycovigil_training.tracking.run import Run


class CsvTracker:
    def __init__(self, runs: Path) -> None:
        self._runs = runs

    def keep(self, run: Run) -> str:
        """A folder of the run's name; see :class:`mycovigil_training.tracking.run.Tracker`."""
        torchvision_shim.make_importable()
        from lightning.pytorch.loggers import CSVLogger

        home = self._runs / run.name
        logger = CSVLogger(self._runs, name=None, version=run.name)
        logger.log_hyperparams(dict(run.config))
        for epoch, figures in enumerate(run.curves):
            logger.log_metrics(dict(figures), step=epoch)
        logger.save()
        (home / "figures.json").write_text(json.dumps(run.figures, indent=1) + "\n")
        for name, path in run.files.items():
            shutil.copyfile(path, home / name)
        return str(home)
