"""Training, the encoder that new models stand on, and the model before the first training."""

import json
import shlex
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from mycovigil.settings.group import Group, prefixed


class EncoderSettings(Group):
    model_config = prefixed("ENCODER")
    uri: str = Field(
        "lite/int8-weights",
        description="The encoder new models are trained on: a packaged name or a folder.",
    )


class CurationSettings(Group):
    model_config = prefixed("CURATION")
    longer_side: int = Field(
        768, ge=256, description="Longer side of curated photos, in pixels, at most."
    )
    most_per_class: int = Field(
        0,
        ge=0,
        description="Photos of a safety class at most, those that differ most by the encoder's "
        "features; 0 keeps all.",
    )
    leave_out: tuple[Literal["lichen", "bracket", "other"], ...] = Field(
        (), description="Kinds of the species table that are left out, separated by commas."
    )
    species: Path | None = Field(
        None, description="CSV whose rows replace those of the packaged species table."
    )


class TrainingSettings(Group):
    model_config = prefixed("TRAINING")
    dataset: Path = Field(
        Path(".mycovigil/dataset"), description="Curated folder: Classes/<class>/<species>/*."
    )
    tracker: Literal["csv", "wandb", "none"] = Field(
        "csv", description="Where training runs are kept: in folders, in Weights & Biases, nowhere."
    )
    runs: Path | None = Field(None, description="Folder of training runs; beside the data set.")
    wandb_project: str = Field("mycovigil", description="The project in Weights & Biases.")
    wandb_offline: bool = Field(
        True, description="Write W&B runs into files, for 'wandb sync', and ask no server."
    )
    command: Annotated[tuple[str, ...], NoDecode] = Field(
        ("python", "-m", "mycovigil_training"),
        description="How the worker starts training, as a command line or JSON; 'python' is "
        "this interpreter.",
    )
    launcher: Literal["process", "vertex"] = Field(
        "process",
        description="Where a retrain trains: in a child process of the worker that has its lease, "
        "or as a custom job on Vertex AI, which that worker follows.",
    )
    timeout_seconds: float = Field(21_600, gt=0, description="Longest retrain before it is killed.")
    auto_promote: bool = Field(
        True, description="A candidate that passes the gate goes live by itself."
    )
    miss_margin: float = Field(
        0.03,
        gt=0,
        lt=1,
        description="Rate of missed deadly, or poisonous, specimens that a candidate must be shown "
        "not to add.",
    )
    useful_margin: float = Field(
        0.10,
        gt=0,
        lt=1,
        description="Rate of useful answers that a candidate must be shown not to lose: avoid on "
        "harmful mushrooms, expert_check on others.",
    )
    gate_alpha: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="Chance, a year, that the gate lets a model pass that is worse by a margin.",
    )
    gate_attempts_a_year: int = Field(
        12,
        ge=1,
        description="Attempts that share the gate's yearly chance equally; later ones of the same "
        "year halve what is left.",
    )

    labels_needed: int = Field(
        50,
        ge=1,
        description="Labelled specimens of the drifted days before an incident's retrain starts; "
        "fewer where the days have fewer. A refused candidate waits for half as many more.",
    )
    dangerous_labels_needed: int = Field(
        10, ge=0, description="How many of them were predicted deadly or poisonous, at least."
    )
    label_rounds: int = Field(
        3, ge=0, description="How often an incident's retrain waits again after a refusal."
    )
    label_wait_days: float = Field(
        30.0, gt=0, description="Days that a retrain waits for labels before a person is asked."
    )
    random_labels_a_week: int = Field(
        10,
        ge=0,
        description="Specimens of each week, chosen at random, one photo of each, whose labels are "
        "asked for: only these say how often the model errs.",
    )
    random_labels_nights: int = Field(
        7,
        ge=1,
        le=7,
        description="Nights whose random photos are drawn together: 7 asks once a week, 1 every "
        "night about a seventh as many.",
    )

    @field_validator("command", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        if isinstance(value, str):
            return json.loads(value) if value.lstrip().startswith("[") else shlex.split(value)
        return value


class DemoSettings(Group):
    model_config = prefixed("DEMO")
    model: bool = Field(
        True,
        description="Register the packaged demo model where no model was ever registered; the "
        "first real one replaces it.",
    )
