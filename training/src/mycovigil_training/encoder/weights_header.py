"""Files of weights and checkpoints: read, or a sentence about what is wrong with them."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn


class DamagedWeights(ValueError):
    """The file was cut or changed, or is none of these."""


def header_of(path: Path) -> dict[str, str]:
    """What the writer noted in a file.

    Raises:
        FileNotFoundError: there is none.
        DamagedWeights: it cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise _damaged(path, error) from error


def tensors_of(path: Path) -> dict[str, Tensor]:
    """All tensors of a file.

    Raises:
        FileNotFoundError, DamagedWeights: as :func:`header_of`.
    """
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise _damaged(path, error) from error


def fill(network: nn.Module, path: Path) -> None:
    """Give a network the tensors of a file.

    Raises:
        FileNotFoundError, DamagedWeights: as :func:`header_of`; or it lacks tensors.
    """
    try:
        network.load_state_dict(tensors_of(path))
    except RuntimeError as error:
        raise _damaged(path, error) from error


def checkpoint_of(path: Path) -> dict[str, Any]:
    """What `torch.save` wrote.

    Raises:
        DamagedWeights: it cannot be read.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # of zip, of pickle, of torch: they share no class
        raise DamagedWeights(f"{path} is damaged: delete it, and training begins anew") from error
    return state


def _damaged(path: Path, error: Exception) -> DamagedWeights:
    reason = str(error).partition("\n")[0]
    return DamagedWeights(f"{path} is damaged, or holds no weights ({reason}): get it again")
