"""Alerts, the dashboard, log metrics and uptime checks ask for what the services really tell."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from factories.cloud import DEPLOY, REPOSITORY, Plan, Workload, resources
from factories.cloud_agreement import APPS
from fastapi.testclient import TestClient

from mycovigil.settings import Settings
from mycovigil_drift.metrics import GAUGES
from mycovigil_drift.metrics import Metrics as DriftMetrics
from mycovigil_predictor.app import create_app
from mycovigil_predictor.metrics import Metrics as PredictorMetrics
from mycovigil_web import problem_pages

RULES = DEPLOY / "gcp" / "rules.yml"
SUFFIX = re.compile(r"_(bucket|sum|count|total)$")
EVENT = re.compile(r'jsonPayload\.event="([^"]+)"')


def exposed() -> set[str]:
    families = [*PredictorMetrics().registry.collect(), *DriftMetrics().registry.collect()]
    return {one.name for one in families} | {f"mycovigil_{n}" for n in (*GAUGES, "database_up")}


def asked(expression: str) -> set[str]:
    """Names of our own metrics; Google's have a colon."""
    names = re.findall(r"(?<![\w:])mycovigil_\w+", expression)
    return {SUFFIX.sub("", name) for name in names}


def test_policies_ask_for_metrics_that_are_there(plan: Plan) -> None:
    policies = resources(plan, "google_monitoring_alert_policy").values()
    queries = [
        condition["condition_prometheus_query_language"][0]["query"]
        for policy in policies
        for condition in policy["conditions"]
        if condition["condition_prometheus_query_language"]
    ]
    rules = [yaml.safe_load(file.read_text()) for file in (RULES, DEPLOY / "prometheus/rules.yml")]
    assert len(queries) == sum(len(one["groups"][0]["rules"]) for one in rules)
    assert set().union(*map(asked, queries)) <= exposed()


def test_rules_name_log_metrics_and_workloads_that_are_there(
    plan: Plan, workloads: dict[str, Workload]
) -> None:
    text = RULES.read_text()
    metrics = {one["name"] for one in resources(plan, "google_logging_metric").values()}
    named = set(re.findall(r"user_(mycovigil)_(\w+)", text))
    assert {f"{system}/{name}" for system, name in named} <= metrics
    services = set(re.findall(r'(?:service|job)_name="([^"]+)"', text))
    assert services <= {one.name for one in workloads.values()}
    subscriptions = {one["name"] for one in resources(plan, "google_pubsub_subscription").values()}
    assert set(re.findall(r'subscription_id="([^"]+)"', text)) == subscriptions


def test_prometheus_reads_the_rules() -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run([tool, "check", "rules", str(RULES)], check=False, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_has_every_panel_of_grafanas(plan: Plan) -> None:
    (one,) = resources(plan, "google_monitoring_dashboard").values()
    tiles = json.loads(one["dashboard_json"])["mosaicLayout"]["tiles"]
    board = json.loads((DEPLOY / "grafana/dashboards/mycovigil.json").read_text())
    assert [tile["widget"]["title"] for tile in tiles] == [one["title"] for one in board["panels"]]
    sets = [data for tile in tiles for data in tile["widget"]["xyChart"]["dataSets"]]
    queries = [data["timeSeriesQuery"]["prometheusQuery"] for data in sets]
    assert set().union(*map(asked, queries)) <= exposed()


def test_log_metrics_count_events_that_are_logged(plan: Plan) -> None:
    sources = "".join(
        file.read_text()
        for room in ("shared", "web", "services")
        for file in (REPOSITORY / room).rglob("src/**/*.py")
    )
    filters = [one["filter"] for one in resources(plan, "google_logging_metric").values()]
    events = [event for one in filters for event in EVENT.findall(one)]
    assert len(events) == 2
    assert all(f'"{event}"' in sources for event in events)


def test_uptime_checks_ask_for_a_page_that_needs_no_key(plan: Plan) -> None:
    checks = resources(plan, "google_monitoring_uptime_check_config").values()
    paths = {one["http_check"][0]["path"] for one in checks}
    assert len(checks) == len(APPS)
    assert paths <= {getattr(route, "path", "") for route in problem_pages.router.routes}
    client = TestClient(create_app(Settings()))
    assert all(client.get(path).status_code == 200 for path in paths)
    assert not any(path.endswith("z") for path in paths)  # Google's front end keeps those


def test_collectors_read_the_ports_that_services_listen_on(
    plan: Plan, workloads: dict[str, Workload]
) -> None:
    versions = resources(plan, "google_secret_manager_secret_version").values()
    told = [yaml.safe_load(one["secret_data"]) for one in versions if one["secret_data"]]
    ports = {
        one["metadata"]["name"]: (endpoint["port"], endpoint["path"])
        for one in told
        for endpoint in one["spec"]["endpoints"]
    }
    assert ports == {one.name: (one.port, "/metrics") for one in workloads.values() if one.port}


def test_photos_that_are_deleted_do_not_stay_as_old_versions(plan: Plan) -> None:
    buckets = resources(plan, "google_storage_bucket").values()
    (storage,) = (one for one in buckets if one["name"].endswith("-storage"))
    rules = [rule["condition"][0] for rule in storage["lifecycle_rule"]]
    days = [
        one["days_since_noncurrent_time"] for one in rules if one["matches_prefix"] == ["photos/"]
    ]
    assert days == [1]
    assert storage["soft_delete_policy"][0]["retention_duration_seconds"] == 0
    assert Path("photos/") in [
        Path(prefix) for one in rules for prefix in one["matches_prefix"] or []
    ]
