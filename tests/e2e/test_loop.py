"""The whole loop on real parts: photo in, row, drift, alert, message, retrain, gate, new model."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mycovigil_simulator.demo.story import Night
from mycovigil_simulator.demo.tell import Teller

STORY = (
    Night("calm", 0.0, 0.0),
    Night("a deadly look-alike arrives", 0.0, 0.5),
    Night("it stays, the model has learned it", 0.0, 0.5),
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("loop")
    teller = Teller(
        photos=None,
        data=folder / "demo",
        period=5.0,
        keep=False,
        story=STORY,
        photos_a_night=100,
        per_species=18,
        console=Console(quiet=True),
    )
    closed = teller.tell(folder / "told.json")
    document: dict[str, Any] = json.loads((folder / "told.json").read_text())
    return document | {"closed": closed}


def test_nothing_answered_is_lost_and_no_alert_unheard(told: dict[str, Any]) -> None:
    proof = told["proof"]
    assert told["closed"]
    # A night ends when it ends: on a busy machine before all of its 100 photos were sent.
    sent = sum(night["photos"] for night in told["nights"])
    assert proof["answered"] == proof["rows_logged"] == sent > 150
    assert proof["alerts_fired"] == proof["messages_received"] == proof["retrain_jobs"] >= 1


def test_the_look_alike_is_seen_and_not_the_calm_before(told: dict[str, Any]) -> None:
    calm, drift, _ = told["nights"]
    assert calm["verdict"] == "calm"
    assert drift["verdict"] == "drift"
    assert drift["p_value"] <= drift["level"]


def test_the_retrained_model_goes_through_the_gate(told: dict[str, Any]) -> None:
    calm, drift, after = told["nights"]
    assert drift["retrain"] in {"promoted", "refused"}
    assert (drift["model"] != calm["model"]) == (drift["retrain"] == "promoted")
    assert after["model"] == drift["model"]
