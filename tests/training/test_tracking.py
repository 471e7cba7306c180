"""Training runs that are kept: as folders by default, in W&B's offline files by a setting."""

import csv
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mycovigil.settings import TrainingSettings
from mycovigil_training.tracking.choice import tracker
from mycovigil_training.tracking.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    bundle = tmp_path / "a bundle"
    bundle.write_bytes(b"weights")
    return Run(
        name="20261130-1",
        config={"seed": 7, "content_hash": "ab" * 32},
        curves=[{"validation_loss": 1.5}, {"validation_loss": 1.25}],
        figures={"macro_recall": 0.5, "recall": {"deadly": 0.25}, "confusion": [[1, 2, 3, 4]] * 4},
        files={"model.bundle": bundle},
    )


def test_a_run_is_a_folder(run: Run, tmp_path: Path) -> None:
    kept = tracker(TrainingSettings(runs=tmp_path / "runs"))
    assert kept is not None
    home = Path(kept.keep(run))
    with (home / "metrics.csv").open() as stream:
        assert [float(row["validation_loss"]) for row in csv.DictReader(stream)] == [1.5, 1.25]
    assert json.loads((home / "figures.json").read_text())["recall"]["deadly"] == 0.25
    assert "seed: 7" in (home / "hparams.yaml").read_text()
    assert (home / "model.bundle").read_bytes() == b"weights"


def records(data: bytes) -> Iterator[bytes]:
    """Of a .wandb file: LevelDB's log format (blocks of 32 KiB; checksum, length, type) after a
    header of 7 bytes."""
    place, whole = 7, b""
    while place + 7 <= len(data):
        left = 32_768 - place % 32_768
        if left < 7:
            place += left
            continue
        length, kind = struct.unpack("<HB", data[place + 4 : place + 7])
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last of several parts
            yield whole
            whole = b""


@pytest.mark.whole
def test_wandb_writes_its_own_file_offline(run: Run, tmp_path: Path) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed here")
    from wandb.proto import wandb_internal_pb2

    parsed: Any = wandb_internal_pb2
    settings = TrainingSettings(tracker="wandb", runs=tmp_path / "runs")
    kept = tracker(settings)
    assert kept is not None
    kept.keep(run)
    wandb.teardown()
    (path,) = (tmp_path / "runs").rglob("run-*.wandb")
    steps, summary, config, files = [], {}, {}, set()
    for data in records(path.read_bytes()):
        record = parsed.Record.FromString(data)
        items = {one.key or ".".join(one.nested_key): one for one in record.history.item}
        if "validation_loss" in items:
            steps.append(json.loads(items["validation_loss"].value_json))
        for one in record.summary.update:
            summary[one.key or ".".join(one.nested_key)] = json.loads(one.value_json)
        for one in record.run.config.update:
            config[one.key] = json.loads(one.value_json)
        files |= {one.path for one in record.files.files}
    assert steps == [1.5, 1.25]
    assert summary["macro_recall"] == 0.5
    assert config["seed"] == 7
    assert "model.bundle" in files


def test_nothing_is_kept_where_nothing_is_wanted() -> None:
    assert tracker(TrainingSettings(tracker="none")) is None
