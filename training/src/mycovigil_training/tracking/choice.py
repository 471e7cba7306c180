"""The tracker that the settings name."""

from mycovigil.settings import TrainingSettings
from mycovigil_training.tracking.csv_tracker import CsvTracker
from mycovigil_training.tracking.run import Tracker
from mycovigil_training.tracking.wandb_tracker import WandbTracker


def tracker(settings: TrainingSettings) -> Tracker | None:
    """None where runs are not kept."""
    runs = settings.runs or settings.dataset.parent / "runs"
    if settings.tracker == "wandb":
        return WandbTracker(runs, settings.wandb_project, offline=settings.wandb_offline)
    return CsvTracker(runs) if settings.tracker == "csv" else None
