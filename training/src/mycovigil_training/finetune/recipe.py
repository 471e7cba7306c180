"""The entry to recipe `finetune`, which imports Lightning only when it is used."""

from pathlib import Path

from mycovigil_training import torchvision_shim
from mycovigil_training.finetune.config import FinetuneConfig
from mycovigil_training.finetune.record import FinetuneRecord

TOWER_FILE = "tower.safetensors"


def finetune(folder: Path, out: Path, config: FinetuneConfig) -> FinetuneRecord:
    """Train, or go on with the training of `out`; write tower, record and checkpoints there.

    Raises:
        NotCurated, NothingToLearn: The folder cannot be used.
        UnknownEncoder, UnsupportedPreprocessing: There is no such tower, or we cannot feed it.
        UnusableCheckpoint: The checkpoint in `out` is damaged, or of other settings.
    """
    torchvision_shim.make_importable()  # Lightning imports torchmetrics imports torchvision
    from mycovigil_training.finetune.run import finetune as run

    return run(folder, out, config)
