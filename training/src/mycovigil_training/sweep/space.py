"""The space of settings that a sweep searches."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator


class BadSpace(ValueError):
    """The file names no space; the message says where."""


class Dimension(BaseModel):
    """A range of numbers, or choices."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()

    @model_validator(mode="after")
    def _one_of_both(self) -> "Dimension":
        if bool(self.choices) == (self.low is not None and self.high is not None):
            raise ValueError("give low and high, or choices")
        return self

    def suggested(self, trial: optuna.Trial, key: str) -> Any:
        if self.choices:
            return trial.suggest_categorical(key, self.choices)
        assert self.low is not None
        assert self.high is not None
        return trial.suggest_float(key, self.low, self.high, log=self.log)


def read_space(path: Path) -> Mapping[str, Dimension]:
    """Dimensions by the keys of ``train.yaml``.

    Raises:
        BadSpace: no such file, or one that is no space.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {str(key): Dimension.model_validate(value) for key, value in found.items()}
    except (OSError, yaml.YAMLError, AttributeError, ValidationError) as error:
        raise BadSpace(f"{path} is no space to search: {error}") from error


def overrides(trial: optuna.Trial, space: Mapping[str, Dimension]) -> list[str]:
    """Hydra overrides of what a trial tries."""
    return [f"{key}={one.suggested(trial, key)}" for key, one in space.items()]
