"""A trained model as a run to keep."""

from pathlib import Path
from tempfile import TemporaryDirectory

from mycovigil.models.bundle import Bundle
from mycovigil.settings import TrainingSettings
from mycovigil_training.dataset.datasheet.page import write_datasheet
from mycovigil_training.tracking.choice import tracker
from mycovigil_training.tracking.run import Run


def keep_run(settings: TrainingSettings, bundle: Bundle, folder: Path) -> str:
    """Keep curve, figures, confusion matrix, bundle and datasheet; returns where, or nothing.

    Raises:
        OSError, WandbMissing: it cannot be kept.
    """
    kept = tracker(settings)
    if kept is None:
        return ""
    meta = bundle.meta
    with TemporaryDirectory(prefix="mycovigil-run-") as scratch:
        file = Path(scratch, "model.bundle")
        file.write_bytes(bundle.to_bytes())
        sheet = write_datasheet(folder, Path(scratch, "datasheet.html"))
        training = dict(meta.training)
        curve = training.pop("validation_loss", [])
        return kept.keep(
            Run(
                name=meta.version,
                config=training,
                curves=[{"validation_loss": loss} for loss in curve],
                figures=meta.metrics | {"certificate": meta.certificate.model_dump(mode="json")},
                files={"model.bundle": file, "datasheet.html": sheet},
            )
        )
