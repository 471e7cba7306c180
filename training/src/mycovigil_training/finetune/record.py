"""What a run of recipe `finetune` leaves behind, and why it may not go on."""

from pydantic import BaseModel, ConfigDict

from mycovigil_training.finetune.config import FinetuneConfig


class FinetuneRecord(BaseModel):
    """What came of a run; written as `finetune.json` beside the tower.

    Attributes:
        epochs: Figures of each epoch: loss, poison-weighted costs and macro recall on validation.
        best_cost: Lowest expected poison-weighted cost: that of the tower that was written.
        seconds: Of this process alone; a resumed run does not count what went before.
    """

    model_config = ConfigDict(frozen=True)

    config: FinetuneConfig
    licence: str
    photos: dict[str, int]
    outputs: int
    epochs: list[dict[str, float]]
    best_cost: float
    seconds: float


class UnusableCheckpoint(ValueError):
    """A checkpoint cannot be read, or was made with other settings."""
