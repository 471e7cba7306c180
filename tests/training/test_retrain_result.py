"""The result of a retrain in the storage, where whoever cannot read its output finds it."""

import json
import uuid

import pytest

from mycovigil.settings import Settings, StorageSettings
from mycovigil.storage import Storage
from mycovigil_training.commands.retrain import retrain
from mycovigil_training.retrain import retraining

KEY = "retrain/a-job/training-0.json"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, storage: Storage, tmp_path: object) -> Storage:
    settings = Settings(storage=StorageSettings(url=f"{tmp_path}/storage"))
    monkeypatch.setattr(Settings, "load", lambda: settings)
    return storage


def test_the_result_is_left_in_the_storage(
    kept: Storage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {"model_id": "a model", "gate": {"passed": True}}
    monkeypatch.setattr(retraining, "retrain", lambda *_: made)
    retrain(uuid.uuid4(), KEY)
    assert json.loads(kept.read(KEY)) == made
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == made


def test_so_is_the_reason_of_a_failure(kept: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise LookupError("there is no such job")

    monkeypatch.setattr(retraining, "retrain", fails)
    with pytest.raises(SystemExit, match="there is no such job"):
        retrain(uuid.uuid4(), KEY)
    assert json.loads(kept.read(KEY))["error"].endswith("there is no such job")
