"""How an encoder's engine was chosen at export: measurements of the candidates, and refusals.

Kept in ``encoder.json`` as evidence; the rules are in
:mod:`mycovigil_training.encoder.export.choice`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

RuntimeName = Literal["onnxruntime", "openvino"]


class Candidate(BaseModel):
    """A precision in the runtime that computes it, measured on one machine.

    ``cpu_ms`` and ``cpu_ms_alone``: CPU ms an image on one thread, in batches of 8 and of 1;
    ``centred_cosine_mean`` and ``_min``: to the fp32 features, their mean subtracted, the worse of
    both batch sizes for each photo; ``changed``: photos of which a head says another class than on
    fp32 features, at either batch size; ``refused``: why it may not serve, empty if it may.
    """

    model_config = ConfigDict(frozen=True)

    precision: str
    runtime: RuntimeName
    cpu_ms: float | None = None
    cpu_ms_alone: float | None = None
    centred_cosine_mean: float | None = None
    centred_cosine_min: float | None = None
    changed: int | None = None
    refused: str = ""


class Choice(BaseModel):
    """The candidates of one export; ``simulated``: judged by the simulator's photos for want of
    real ones, which says less; ``head``: whose predictions were compared; ``most_changed``: the
    share of them that an eligible candidate might change."""

    model_config = ConfigDict(frozen=True)

    machine: str
    photos: int = Field(ge=1)
    simulated: bool
    head: str
    most_changed: float
    chosen: str
    candidates: tuple[Candidate, ...]
