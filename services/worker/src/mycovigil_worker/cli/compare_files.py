"""The drift test for people with two files and no database."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics import DriftResult, DriftTest, FittedReference, fit, judge
from mycovigil_statistics.drift.cause.explain import explain

OPTIONAL = ("probabilities", "covariates", "novelty", "groups", "days")
Arrays = dict[str, NDArray[Any]]


class UnusableFile(ValueError):
    """The file is not what the test needs; the message says what that is."""


def compared(reference: Path, night: Path, *, level: float, seed: int) -> dict[str, Any]:
    """The verdict on two ``.npz`` files as a JSON document.

    Each holds ``features`` (rows, d), and may hold ``probabilities`` (rows, classes),
    ``covariates`` (rows, k), ``novelty`` (rows, s; larger is more novel) and ``groups`` (rows,);
    what only one file holds is left out. Where the reference holds ``days`` (rows,), one sortable
    key a row, the night is compared with its days too.

    Raises:
        UnusableFile: not an ``.npz``, or without features.
        SampleError: rows that cannot be tested.
    """
    before, tonight = _arrays(reference), _arrays(night)
    if "days" in before:
        document = _beside_days(before, tonight, level, seed)
    else:
        document = _beside_rows(before, tonight, level, seed)
    return document | {"level": level, "seed": seed, "reference_rows": len(before["features"])}


def _beside_rows(before: Arrays, tonight: Arrays, level: float, seed: int) -> dict[str, Any]:
    fitted = fit(*_rows(before), **_keys(before), seed=seed)
    result = judge(fitted, *_rows(tonight), **_keys(tonight), seed=seed)
    return asdict(result) | _verdict(fitted, result, result.p_value, tonight, level, seed)


def _beside_days(before: Arrays, tonight: Arrays, level: float, seed: int) -> dict[str, Any]:
    test = DriftTest.fit(*_rows(before), **_keys(before), days=before["days"], seed=seed)
    found = test.judge(*_rows(tonight), **_keys(tonight))
    document = asdict(found) | {
        "views": [
            {"name": view.name, "p_value": view.p_value, "ratio": view.ratio, "rank": view.rank}
            for view in found.views
        ],
        "detectable": found.detectable(level),
        "summary": found.summary(),
    }
    if found.p_value > level:
        return document | {"verdict": "calm"}
    rows = judge(test.reference, *_rows(tonight), **_keys(tonight), seed=seed)
    return document | _verdict(test.reference, rows, found.p_value, tonight, level, seed)


def _verdict(
    fitted: FittedReference,
    result: DriftResult,
    p_value: float,
    tonight: Arrays,
    level: float,
    seed: int,
) -> dict[str, Any]:
    """The verdict, and the cause of a drift."""
    if p_value > level:
        return {"verdict": "calm"}
    cause = explain(fitted, result, *_rows(tonight), groups=tonight.get("groups"), seed=seed)
    return {"verdict": "drift", "cause": asdict(cause)}


def _rows(arrays: Arrays) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[Any] | None]:
    return arrays["features"], arrays.get("probabilities"), arrays.get("covariates")


class Beside(TypedDict):
    """What `fit` and `judge` take by name."""

    novelty: NDArray[Any] | None
    groups: NDArray[Any] | None


def _keys(arrays: Arrays) -> Beside:
    return {"novelty": arrays.get("novelty"), "groups": arrays.get("groups")}


def _arrays(path: Path) -> Arrays:
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
