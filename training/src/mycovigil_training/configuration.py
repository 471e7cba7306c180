"""Training's configuration: composed by Hydra from ``conf/``, checked by pydantic."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

CONFIG_MODULE = "mycovigil_training.conf"
# A group in no defaults list, so that Hydra wants a plus before it.
PRESETS = "experiment"
Config = TypeVar("Config", bound=BaseModel)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AugmentationConfig(Section):
    """``views`` augmented views of each photo of the largest class beside the photo itself, up to
    ``most_views`` of photos of rare classes, whose views are ``rare_strength`` times as strong."""

    views: int = Field(ge=0, le=64)
    most_views: int = Field(ge=0, le=64)
    rare_strength: float = Field(ge=1, le=3)
    rotation: float = Field(ge=0, le=180)
    perspective: float = Field(ge=0, le=0.3)
    smallest_crop: float = Field(gt=0, le=1)
    light: float = Field(ge=0, lt=1)
    white_balance: float = Field(ge=0, le=1)
    blur: float = Field(ge=0, le=1)
    noise: float = Field(gt=0.01, le=0.5)
    lowest_jpeg_quality: int = Field(ge=5, le=95)


class SplitConfig(Section):
    """Shares of the specimens; what is left over is for training."""

    validation: float = Field(gt=0, lt=0.5)
    calibration: float = Field(gt=0, lt=0.5)
    holdout: float = Field(gt=0, lt=0.5)


class HeadConfig(Section):
    """The head's training: L-BFGS on all rows, ``iterations`` an epoch, until the validation loss
    has not improved for ``patience`` epochs. ``ridge`` is the penalty (1/C); ``balance`` the power
    of the inverse count by which photos of a rare class, and of a rare species in it, weigh more;
    ``deadly_cost`` weighs the probability that a deadly photo gives to the edible classes."""

    epochs: int = Field(ge=1, le=10_000)
    iterations: int = Field(ge=1, le=100)
    patience: int = Field(ge=1)
    ridge: float = Field(ge=0)
    balance: float = Field(ge=0, le=1)
    deadly_cost: float = Field(ge=0)


class SafetyConfig(Section):
    """What is asked of the calibration photos: ``miss_targets`` are shares of deadly specimens
    that are bounded with 95% confidence, every other target is an expected share of photos."""

    miss_targets: tuple[float, ...]
    harm_target: float = Field(gt=0, lt=1)
    harm_ceiling: float = Field(gt=0, lt=1)
    set_targets: tuple[float, float, float, float]
    novelty_share: float = Field(gt=0, lt=1)
    non_mushroom_share: float = Field(gt=0, lt=1)
    neighbours: int = Field(ge=1)
    anchors: int = Field(ge=1)
    anchor_choice: str = Field(pattern="^(random|k_centre)$")


class TrainConfig(Section):
    seed: int = Field(ge=0)
    encode_batch: int = Field(ge=1)
    reference_rows: int = Field(ge=100)
    augmentation: AugmentationConfig
    split: SplitConfig
    head: HeadConfig
    safety: SafetyConfig


class BadConfiguration(ValueError):
    """An override that Hydra or the checks refuse."""


def compose(overrides: Sequence[str] = ()) -> TrainConfig:
    """The configuration with Hydra ``overrides`` (``head.epochs=50``, ``augmentation=none``).

    Raises:
        BadConfiguration: an unknown key, a wrong type, or a value out of its range.
    """
    return compose_as("train", TrainConfig, overrides)


def compose_as(name: str, kind: type[Config], overrides: Sequence[str] = ()) -> Config:
    """``conf/<name>.yaml`` with Hydra ``overrides``, checked as a ``kind``.

    Raises:
        BadConfiguration: as `compose`.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        with hydra.initialize_config_module(CONFIG_MODULE, version_base="1.3"):
            composed = hydra.compose(name, overrides=list(overrides))
        values: Any = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
        return kind.model_validate(values)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise BadConfiguration(f"the configuration is refused: {'; '.join(wrong)}") from error
    except (HydraException, OmegaConfBaseException) as error:
        reason = _no_option(error) or str(error).partition("\n")[0] + _nearest(name, overrides)
        raise BadConfiguration(f"the configuration is refused: {reason}") from error


def _no_option(error: Exception) -> str:
    """Of a group's option that does not exist: those that do."""
    wanted, options = getattr(error, "missing_cfg_file", None), getattr(error, "options", None)
    if not wanted or not options:
        return ""
    group, _, option = str(wanted).rpartition("/")
    close = get_close_matches(option, options, n=1)
    near = f", did you mean {close[0]}?" if close else ";"
    return f"there is no {group}={option}{near} there are {', '.join(options)}"


def _nearest(name: str, overrides: Sequence[str]) -> str:
    """Known keys like those of ``overrides`` that are none, in a sentence."""
    import hydra
    from omegaconf import OmegaConf

    with hydra.initialize_config_module(CONFIG_MODULE, version_base="1.3"):
        known = list(_keys(OmegaConf.to_container(hydra.compose(name))))
    if plain := [override for override in overrides if override.startswith(f"{PRESETS}=")]:
        return f" Presets are those of 'mycovigil finetune', with a plus: +{plain[0]}"
    asked = [override.partition("=")[0].lstrip("+~") for override in overrides]
    found = [
        f"{key}: did you mean {' or '.join(close)}?"
        for key in asked
        if key not in known and (close := get_close_matches(key, known, n=2))
    ]
    return "".join(f" {one}" for one in found)


def _keys(values: Any, before: str = "") -> Iterator[str]:
    """Dotted names of sections and values."""
    for key, value in values.items():
        yield f"{before}{key}"
        if isinstance(value, dict):
            yield from _keys(value, f"{before}{key}.")
