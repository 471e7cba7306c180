"""Configuration of recipe `finetune`: `conf/finetune.yaml` and `conf/experiment/`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from mycovigil_training import conf
from mycovigil_training.configuration import AugmentationConfig, Section, compose_as


class ImbalanceConfig(Section):
    """What is done about rare classes; each is a power of a class's count or share.

    Attributes:
        sampling: A photo is drawn with a probability of its class's count to minus this.
        weighting: A photo's loss weighs its class's count to minus this.
        adjustment: So many times the log of the class's share is added to its logit in training.
    """

    sampling: float = Field(ge=0, le=1)
    weighting: float = Field(ge=0, le=1)
    adjustment: float = Field(ge=0, le=4)


class FinetuneConfig(Section):
    """Settings of one run; `conf/finetune.yaml` says what each means."""

    tower: str
    size: int = Field(ge=0, le=1024)
    seed: int = Field(ge=0)
    target: Literal["safety", "species"]
    epochs: int = Field(ge=1)
    probe_epochs: int = Field(ge=0)
    batch: int = Field(ge=2)
    accumulate: int = Field(ge=1)
    processes: int = Field(ge=1)
    workers: int = Field(ge=0)
    threads: int = Field(ge=1)
    precision: Literal["32-true", "bf16-mixed"]
    validation: float = Field(gt=0, lt=0.5)
    head_rate: float = Field(gt=0)
    tower_rate: float = Field(ge=0)
    layer_decay: float = Field(gt=0, le=1)
    weight_decay: float = Field(ge=0)
    warmup: float = Field(ge=0, lt=1)
    averaging: float = Field(ge=0, lt=1)
    deadly_cost: float = Field(ge=0)
    patience: int = Field(ge=1)
    most_steps: int = Field(ge=0)
    augmentation: AugmentationConfig
    imbalance: ImbalanceConfig

    @model_validator(mode="after")
    def _processes_share_a_batch(self) -> "FinetuneConfig":
        if self.batch % self.processes:
            raise ValueError(f"{self.processes} processes cannot share a batch of {self.batch}")
        return self


def compose(overrides: Sequence[str] = ()) -> FinetuneConfig:
    """The configuration with Hydra ``overrides`` (``epochs=5``, ``+experiment=species``).

    Raises:
        BadConfiguration: an unknown key, a wrong type, or a value out of its range.
    """
    return compose_as("finetune", FinetuneConfig, overrides)


def presets() -> list[str]:
    """Names of the presets in `conf/experiment/`."""
    folder = Path(str(conf.__file__)).parent / "experiment"
    return sorted(path.stem for path in folder.glob("*.yaml"))
