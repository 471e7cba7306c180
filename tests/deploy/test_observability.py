"""Grafana and Prometheus ask only for metrics that the services really expose."""

import json
import re
from pathlib import Path

import yaml

from mycovigil_drift.metrics import GAUGES
from mycovigil_drift.metrics import Metrics as DriftMetrics
from mycovigil_predictor.metrics import Metrics as PredictorMetrics

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SUFFIX = re.compile(r"_(bucket|sum|count|total)$")


def exposed() -> set[str]:
    families = [*PredictorMetrics().registry.collect(), *DriftMetrics().registry.collect()]
    return {family.name for family in families} | {
        f"mycovigil_{name}" for name in (*GAUGES, "database_up")
    }


def asked(expression: str) -> set[str]:
    return {SUFFIX.sub("", name) for name in re.findall(r"mycovigil_\w+", expression)}


def test_the_dashboard_asks_for_what_is_there() -> None:
    board = json.loads((DEPLOY / "grafana" / "dashboards" / "mycovigil.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) >= 14
    assert set().union(*map(asked, expressions)) <= exposed()


def test_the_alert_rules_ask_for_what_is_there() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert set().union(*map(asked, expressions)) <= exposed()
