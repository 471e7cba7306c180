"""Training, the encoder that new models stand on, and the model before the first training."""

import json
import shlex
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from mycovigil.settings.group import Group, prefixed


class EncoderSettings(Group):
    model_config = prefixed("ENCODER")
    uri: str = Field(
        "mini/int8",
        description="The encoder new models are trained on: a packaged name or a folder.",
    )


class TrainingSettings(Group):
    model_config = prefixed("TRAINING")
    dataset: Path = Field(
        Path(".mycovigil/dataset"), description="Curated folder: Classes/<class>/<species>/*."
    )
    command: Annotated[tuple[str, ...], NoDecode] = Field(
        ("python", "-m", "mycovigil_training"),
        description="How the worker starts training, as a command line or JSON; 'python' is "
        "this interpreter.",
    )
    timeout_seconds: float = Field(21_600, gt=0, description="Longest retrain before it is killed.")
    auto_promote: bool = Field(
        True, description="A candidate that passes the gate goes live by itself."
    )
    miss_margin: float = Field(
        0.05, gt=0, lt=1, description="Deadly-miss rate a candidate must be shown not to add."
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
