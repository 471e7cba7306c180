"""The drift test for people with two files and no database."""

from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics import fit, judge
from mycovigil_statistics.drift.cause.explain import explain

OPTIONAL = ("probabilities", "covariates", "novelty", "groups")


class UnusableFile(ValueError):
    """The file is not what the test needs; the message says what that is."""


def compared(reference: Path, night: Path, *, level: float, seed: int) -> dict[str, Any]:
    """The verdict on two ``.npz`` files as a JSON document.

    Each holds ``features`` (rows, d), and may hold ``probabilities`` (rows, classes),
    ``covariates`` (rows, k), ``novelty`` (rows, s; larger is more novel) and ``groups`` (rows,);
    what only one file holds is left out.

    Raises:
        UnusableFile: not an ``.npz``, or without features.
        SampleError: rows that cannot be tested.
    """
    before, tonight = _arrays(reference), _arrays(night)
    fitted = fit(
        before["features"],
        before.get("probabilities"),
        before.get("covariates"),
        novelty=before.get("novelty"),
        groups=before.get("groups"),
        seed=seed,
    )
    rows = (tonight["features"], tonight.get("probabilities"), tonight.get("covariates"))
    groups = tonight.get("groups")
    judgement = judge(fitted, *rows, novelty=tonight.get("novelty"), groups=groups, seed=seed)
    drifted = judgement.p_value <= level
    document = asdict(judgement) | {
        "verdict": "drift" if drifted else "calm",
        "level": level,
        "seed": seed,
        "reference_rows": fitted.rows,
    }
    if drifted:
        cause = explain(fitted, judgement, *rows, groups=groups, seed=seed)
        document["cause"] = asdict(cause)
    return document


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in ("features", *OPTIONAL) if name in file}
    except FileNotFoundError as error:
        raise UnusableFile(f"there is no file {path}") from error
    except (OSError, EOFError, ValueError, BadZipFile, AttributeError, TypeError) as error:
        raise UnusableFile(f"{path} is not a readable .npz file: {error}") from error
    if "features" not in found:
        raise UnusableFile(f"{path} holds no array called 'features' (rows, dimensions)")
    return found
