"""The whole loop on real parts: photo in, row, drift, alert, message, retrain, gate, new model.

The retrain trigger takes seconds for each message: the demo must wait for what happens.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mycovigil_local import services, stack
from mycovigil_local.services import Service
from mycovigil_simulator.demo.demonstration import Demonstration
from mycovigil_simulator.demo.story import Night

TESTS = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.timeout(1_500)  # a deadline for a busy machine, not a pace
# So many look-alikes that a night is a drift even where a busy machine sends half of its photos.
STORY = (
    Night("calm", 0.0, 0.0),
    Night("a deadly look-alike arrives", 0.0, 0.8),
    Night("it stays, the model has learned it", 0.0, 0.8),
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("loop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack, "SERVICES", tuple(map(_slow_if_trigger, services.SERVICES)))
        patch.setenv("PYTHONPATH", str(TESTS))
        demonstration = Demonstration(
            photos=None,
            data=folder / "demo",
            period=8.0,
            keep=False,
            story=STORY,
            photos_a_night=80,
            per_species=12,
            console=Console(quiet=True),
        )
        closed = demonstration.run(folder / "shown.json")
    document: dict[str, Any] = json.loads((folder / "shown.json").read_text())
    return document | {"closed": closed}


def _slow_if_trigger(service: Service) -> Service:
    if service.name != "trigger":
        return service
    return replace(service, arguments=("factories.slow_trigger",))


def test_nothing_answered_is_lost_and_no_alert_unheard(shown: dict[str, Any]) -> None:
    proof = shown["proof"]
    assert shown["closed"]
    # A night ends when it ends: on a busy machine before all of its 80 photos were sent.
    sent = sum(night["photos"] for night in shown["nights"])
    assert proof["answered"] == proof["rows_logged"] == sent > 150
    assert proof["alerts_fired"] == proof["messages_received"] == proof["retrain_jobs"] >= 1


def test_the_look_alike_is_seen_and_not_the_calm_before(shown: dict[str, Any]) -> None:
    calm, drift, _ = shown["nights"]
    assert calm["verdict"] == "calm"
    assert drift["verdict"] == "drift"
    assert drift["p_value"] <= drift["level"]


def test_the_retrained_model_goes_through_the_gate(shown: dict[str, Any]) -> None:
    calm, drift, after = shown["nights"]
    assert drift["retrain"] in {"promoted", "refused"}
    assert (drift["model"] != calm["model"]) == (drift["retrain"] == "promoted")
    assert after["model"] == drift["model"]
