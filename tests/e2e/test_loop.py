"""The whole loop on real parts: photo in, row, drift, alert, message, retrain, gate, new model.

The retrain trigger takes seconds for each message: the demo must wait for what happens.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from mycovigil.models.safety import CertificateStatus
from mycovigil_local import services, stack
from mycovigil_local.services import Service
from mycovigil_local.stack import Stack
from mycovigil_simulator.demo import play, screenshot
from mycovigil_simulator.demo.demonstration import Demonstration
from mycovigil_simulator.demo.story import Night
from mycovigil_statistics.safety.proportions import lower_bound

TESTS = Path(__file__).resolve().parents[1]
BOARD = TESTS.parent / "deploy" / "grafana" / "dashboards" / "mycovigil.json"
# A deadline for a busy machine, not a pace.
pytestmark = [pytest.mark.whole, pytest.mark.timeout(1_500)]
# So large a drift that three days of calm and half of the photos, on a busy machine, show it.
STORY = (
    Night("calm", 0.0, 0.0),
    Night("calm", 0.0, 0.0),
    Night("calm", 0.0, 0.0),
    Night("a deadly look-alike and a new phone", 1.0, 0.8),
    Night("both stay, the model has learned them", 1.0, 0.8),
)


# The night after the retraining is played in the long form only.
FORMS = [
    pytest.param(STORY[:4], id="short"),
    pytest.param(STORY, id="long", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=FORMS)
def shown(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("loop")
    train, before = play.train, dict[str, Any]()
    take, running = screenshot.take, list[Stack]()

    def asked_and_trained(stack: Stack, *arguments: Any) -> None:
        running.append(stack)
        before.update(_without_a_model(stack))
        train(stack, *arguments)

    def taken(*arguments: Any) -> Path | None:
        before["metrics"] = _metrics(running[0])
        return take(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screenshot, "take", taken)
        patch.setattr(stack, "SERVICES", tuple(map(_slow_if_trigger, services.SERVICES)))
        patch.setattr(play, "train", asked_and_trained)
        patch.setenv("PYTHONPATH", str(TESTS))
        demonstration = Demonstration(
            photos=None,
            data=folder / "demo",
            period=10.0,  # so that a busy machine answers a night's photos within it
            keep=False,
            story=request.param,
            photos_a_night=100,
            per_species=10,
            harmful_per_species=10,
            workers=1,  # a process draws its textures once, which takes seconds
            console=Console(quiet=True),
        )
        closed = demonstration.run(folder / "shown.json")
    document: dict[str, Any] = json.loads((folder / "shown.json").read_text())
    return document | {"closed": closed, "before": before}


def _without_a_model(stack: Stack) -> dict[str, Any]:
    """What services answer before the first model is trained."""
    headers = {"authorization": f"Bearer {stack.api_key}", "content-type": "image/jpeg"}
    with httpx.Client(headers=headers, timeout=20) as http:
        refused = http.post(f"{stack.predictor_url}/v1/predictions", content=b"x")
        return {
            "drift_ready": http.get(f"{stack.drift_url}/readyz").status_code,
            "reports": http.get(f"{stack.drift_url}/v1/reports").json()["items"],
            "refused": refused.status_code,
            "problem": refused.json(),
        }


def _metrics(stack: Stack) -> str:
    """What both services expose at the end."""
    urls = (stack.predictor_url, stack.drift_url)
    return "\n".join(httpx.get(f"{url}/metrics", timeout=20).text for url in urls)


def _slow_if_trigger(service: Service) -> Service:
    if service.name != "trigger":
        return service
    return replace(service, arguments=("factories.slow_trigger",))


def test_services_answer_without_a_model_and_say_what_is_missing(shown: dict[str, Any]) -> None:
    before = shown["before"]
    assert (before["drift_ready"], before["reports"]) == (200, [])
    assert (before["refused"], before["problem"]["type"].rsplit("/", 1)[1]) == (503, "no-model")
    assert "mycovigil train" in before["problem"]["detail"]


def test_nothing_answered_is_lost_and_no_alert_unheard(shown: dict[str, Any]) -> None:
    proof = shown["proof"]
    assert shown["closed"]
    # A night ends when it ends: on a busy machine before all of its 100 photos were sent.
    sent = sum(night["photos"] for night in shown["nights"])
    assert proof["answered"] == proof["rows_logged"] == sent
    assert sent > 50 * len(shown["nights"])
    assert proof["alerts_fired"] == proof["messages_received"] == proof["retrain_jobs"] >= 1


def test_the_look_alike_is_seen_and_not_the_calm_before(shown: dict[str, Any]) -> None:
    *calm, drift = shown["nights"][:4]
    assert [night["verdict"] for night in calm] == ["learning"] * 3
    assert drift["verdict"] == "drift"
    assert drift["p_value"] <= drift["level"]


def test_the_retrained_model_goes_through_the_gate(shown: dict[str, Any]) -> None:
    calm, drift, *later = shown["nights"][2:]
    assert drift["retrain"] in {"promoted", "refused"}
    assert (drift["model"] != calm["model"]) == (drift["retrain"] == "promoted")
    assert all(night["model"] == drift["model"] for night in later)


def test_no_certificate_is_valid_on_a_night_that_contradicts_it(shown: dict[str, Any]) -> None:
    for night in shown["nights"]:
        labelled, missed = night["deadly_labelled"], night["deadly_labelled_missed"]
        assert 0 <= missed <= labelled <= night["deadly"]
        assert night["certificate"] in set(CertificateStatus)
        assert (night["bound"] is None) == (night["certificate"] == "not_certifiable")
        if night["bound"] is not None and lower_bound(missed, labelled) > night["bound"]:
            assert night["certificate"] != "valid", night
    assert any(night["deadly_labelled"] for night in shown["nights"])


def test_every_panel_has_its_series(shown: dict[str, Any]) -> None:
    board = json.loads(BOARD.read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked = {name for one in expressions for name in re.findall(r"mycovigil_\w+", one)}
    given = set(re.findall(r"^(mycovigil_\w+)[{ ]", shown["before"]["metrics"], re.MULTILINE))
    assert asked <= given
